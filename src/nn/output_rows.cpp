#include "linformer/nn/output_rows.h"

#include <algorithm>
#include <stdexcept>

#include <ATen/ATen.h>

#include "linformer/kernels/device_transfer.h"

namespace linformer {

OutputRows output_rows(const std::vector<int64_t>& flat, int64_t num_sequences, int64_t length,
                       at::Device device) {
  if (!flat.empty() && (flat.front() < 0 || flat.back() >= num_sequences * length)) {
    throw std::logic_error("an output row outside of the batch");
  }
  std::vector<int64_t> counts(static_cast<size_t>(num_sequences), 0);
  for (const int64_t row : flat) ++counts[static_cast<size_t>(row / length)];
  // At least one, so that no tensor is without queries.
  const int64_t most =
      std::max<int64_t>(1, counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end()));
  std::vector<int64_t> positions(static_cast<size_t>(num_sequences * most), 0);
  std::vector<int64_t> places;
  places.reserve(flat.size());
  auto next = flat.begin();
  for (int64_t b = 0; b < num_sequences; ++b) {
    int64_t position = 0;
    for (int64_t p = 0; p < most; ++p) {
      if (p < counts[static_cast<size_t>(b)]) {
        position = *next++ - b * length;
        places.push_back(b * most + p);
      }
      positions[static_cast<size_t>(b * most + p)] = position;
    }
  }
  const auto to_device = [&](const std::vector<int64_t>& values) {
    return send_to_device(at::tensor(values, at::kLong), device);
  };
  return {to_device(flat), to_device(positions).view({num_sequences, most}), to_device(places)};
}

at::Tensor rows_at_positions(const at::Tensor& x, const OutputRows& rows) {
  const int64_t batch = rows.positions.size(0);
  const int64_t length = batch == 0 ? 0 : x.size(0) / batch;
  const at::Tensor first = at::arange(batch, rows.positions.options()).unsqueeze(1) * length;
  return x.index_select(0, (rows.positions + first).flatten());
}

}  // namespace linformer
