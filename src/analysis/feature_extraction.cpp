#include "linformer/analysis/feature_extraction.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "linformer/analysis/finite_outputs.h"
#include "linformer/checkpoint/tensor_files.h"
#include "linformer/core/special_tokens.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

struct Inputs {
  at::Tensor input_ids;       // (B, N)
  at::Tensor mask;            // (B, N)
  at::Tensor token_type_ids;  // (B, N)
};

Inputs padded(const std::vector<InputRow>& rows) {
  size_t length = 0;
  for (const InputRow& row : rows) length = std::max(length, row.input_ids.size());
  const auto count = static_cast<int64_t>(rows.size());
  const auto width = static_cast<int64_t>(length);
  Inputs inputs{at::full({count, width}, kPadId, at::kLong), at::zeros({count, width}, at::kBool),
                at::zeros({count, width}, at::kLong)};
  for (size_t b = 0; b < rows.size(); ++b) {
    const InputRow& row = rows[b];
    for (size_t i = 0; i < row.input_ids.size(); ++i) {
      const auto at_b = static_cast<int64_t>(b);
      const auto at_i = static_cast<int64_t>(i);
      inputs.input_ids[at_b][at_i] = row.input_ids[i];
      inputs.mask[at_b][at_i] = row.attention_mask[i] != 0;
      if (!row.token_type_ids.empty()) {
        inputs.token_type_ids[at_b][at_i] = row.token_type_ids[i];
      }
    }
  }
  return inputs;
}

}  // namespace

FeatureSummary write_features(const Model& model, const std::vector<InputRow>& rows,
                              int64_t batch_size, const std::string& path,
                              const std::function<void(int64_t rows)>& progress) {
  const at::NoGradGuard no_grad;
  const Inputs all = padded(rows);
  const int64_t count = all.input_ids.size(0);
  const int64_t length = all.input_ids.size(1);
  const at::Device device = model.parameters().device();
  std::vector<at::Tensor> states;
  at::Tensor logits;
  const auto put = [&](at::Tensor& target, const at::Tensor& part, int64_t first) {
    if (!target.defined()) {
      std::vector<int64_t> shape = part.sizes().vec();
      shape[0] = count;
      target = at::zeros(shape, part.options().device(at::kCPU));
    }
    target.narrow(0, first, part.size(0)).copy_(part);
  };
  for (int64_t first = 0; first < count && stop_signal() == 0; first += batch_size) {
    const int64_t size = std::min(batch_size, count - first);
    const auto part = [&](const at::Tensor& tensor) { return tensor.narrow(0, first, size); };
    const at::Tensor mask = part(all.mask).to(device);
    const bool segments = model.config().type_vocab_size > 0;
    const EncoderInput input{part(all.input_ids).to(device), mask,
                             segments ? part(all.token_type_ids).to(device) : at::Tensor()};
    ForwardContext evaluation;
    std::vector<at::Tensor> batch_states;
    const at::Tensor hidden = model.encoder().forward(input, evaluation, &batch_states);
    const auto zero_padding = [&](const at::Tensor& x) {
      return x.masked_fill(mask.logical_not().unsqueeze(-1), 0.0);
    };
    for (const at::Tensor& state : batch_states) require_finite_outputs(zero_padding(state));
    states.resize(batch_states.size());
    for (size_t i = 0; i < states.size(); ++i) put(states[i], zero_padding(batch_states[i]), first);
    if (model.is_masked_lm()) {
      const at::Tensor flat = model.masked_lm_head().logits(hidden.flatten(0, 1));
      put(logits, zero_padding(flat.view({size, length, -1})), first);
    } else {
      put(logits, model.classification_head().logits(hidden, input, evaluation), first);
    }
    if (progress) progress(first + size);
  }
  if (stop_signal() != 0) return {};
  require_finite_outputs(logits);
  NamedTensors tensors{{"input_ids", all.input_ids.masked_fill(all.mask.logical_not(), kPadId)},
                       {"attention_mask", all.mask.to(at::kLong)},
                       {"logits", logits}};
  for (size_t i = 0; i < states.size(); ++i) {
    tensors.emplace_back("hidden_states." + std::to_string(i), states[i]);
  }
  save_tensors(path, tensors);
  return {count, length, static_cast<int64_t>(states.size())};
}

}  // namespace linformer
