#include <cstring>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../packed_rows_kernels.h"
#include "kernels.h"

namespace linformer::cpu {
namespace {

constexpr int64_t kRowsAtLeast = 64;  // of a thread

/// Calls move(row, from, to, bytes) with the beginnings of both tensors, for each row of x.
template <class Move>
void for_each_row(const at::Tensor& x, const at::Tensor& target, const Move& move) {
  const auto* const from = static_cast<const char*>(x.const_data_ptr());
  auto* const to = static_cast<char*>(target.data_ptr());
  const auto bytes = static_cast<size_t>(x.size(1) * x.element_size());
  at::parallel_for(0, x.size(0), kRowsAtLeast, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      move(row, from + static_cast<size_t>(row) * bytes, to, bytes);
    }
  });
}

void place(const at::Tensor& x, const at::Tensor& index, const at::Tensor& target) {
  const int64_t* const numbers = index.const_data_ptr<int64_t>();
  for_each_row(x, target, [&](int64_t row, const char* from, char* to, size_t bytes) {
    std::memcpy(to + static_cast<size_t>(numbers[row]) * bytes, from, bytes);
  });
}

at::Tensor keep(const at::Tensor& x, const at::Tensor& mask) {
  at::Tensor kept = at::empty_like(x);
  const bool* const keeps = mask.const_data_ptr<bool>();
  for_each_row(x, kept, [&](int64_t row, const char* from, char* to, size_t bytes) {
    char* const target = to + static_cast<size_t>(row) * bytes;
    if (keeps[row]) {
      std::memcpy(target, from, bytes);
    } else {
      std::memset(target, 0, bytes);
    }
  });
  return kept;
}

}  // namespace

const RowKernels row_kernels{place, keep};

}  // namespace linformer::cpu
