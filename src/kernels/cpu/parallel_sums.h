#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace linformer {

/// Splits rows over the threads into fixed ranges. Each range has its own row of partial sums, and
/// these are added in thread order, so the same number of threads gives the same bits.
///
///   body(begin, end, T* sums)   sums: `width` zeros
template <class T, class Body>
at::Tensor parallel_row_sums(int64_t rows, int64_t width, const at::TensorOptions& options,
                             const Body& body) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows));
  const int64_t padded = (width + 15) / 16 * 16;
  at::Tensor sums = at::zeros({parts, padded}, options);
  T* data = sums.data_ptr<T>();
  const int64_t chunk = (rows + parts - 1) / parts;
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      body(part * chunk, std::min(rows, (part + 1) * chunk), data + part * padded);
    }
  });
  return sums.sum(0).narrow(0, 0, width);
}

}  // namespace linformer
