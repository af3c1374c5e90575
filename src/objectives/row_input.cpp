#include "linformer/objectives/row_input.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace linformer {

EncoderInput row_input(std::span<const InputRow* const> rows, bool segments, at::Device device) {
  size_t length = 0;
  for (const InputRow* row : rows) length = std::max(length, row->input_ids.size());
  const std::vector<int64_t> shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(length)};
  const at::Tensor ids = at::full(shape, kPadId, at::kLong);
  const at::Tensor mask = at::zeros(shape, at::kBool);
  const at::Tensor types = segments ? at::zeros(shape, at::kLong) : at::Tensor();
  bool padded = false;
  for (size_t b = 0; b < rows.size(); ++b) {
    const InputRow& row = *rows[b];
    const size_t begin = b * length;
    std::copy(row.input_ids.begin(), row.input_ids.end(), ids.data_ptr<int64_t>() + begin);
    bool* tokens = mask.data_ptr<bool>() + begin;
    for (size_t i = 0; i < row.input_ids.size(); ++i) tokens[i] = row.attention_mask[i] != 0;
    padded = padded || !std::all_of(tokens, tokens + length, [](bool token) { return token; });
    if (segments) {
      std::copy(row.token_type_ids.begin(), row.token_type_ids.end(),
                types.data_ptr<int64_t>() + begin);
    }
  }
  EncoderInput input;
  input.input_ids = ids.to(device);
  if (padded) input.mask = mask;
  if (segments) input.token_type_ids = types.to(device);
  return input;
}

}  // namespace linformer
