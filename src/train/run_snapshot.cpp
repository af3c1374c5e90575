#include "linformer/train/run_snapshot.h"

#include <ATen/ATen.h>

#include "linformer/checkpoint/model_files.h"

namespace linformer {
namespace {

NamedTensors copies_of(const NamedTensors& tensors) {
  NamedTensors copies;
  copies.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    copies.emplace_back(name, tensor.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true));
  }
  return copies;
}

}  // namespace

size_t RunSnapshot::tensor_bytes() const {
  size_t bytes = 0;
  for (const NamedTensors* tensors : {&weights, &optimizer, &other_weights.tensors}) {
    for (const auto& [name, tensor] : *tensors) bytes += tensor.nbytes();
  }
  return bytes;
}

RunSnapshot take_snapshot(ModelFiles model, const NamedTensors& moments, const TrainingState& state,
                          const OtherWeights& other_weights) {
  const at::NoGradGuard no_grad;
  return {std::move(model.config_json),
          std::move(model.tokenizer),
          copies_of(model.tensors),
          copies_of(moments),
          state,
          std::move(model.unigram_counts),
          {other_weights.kind, copies_of(other_weights.tensors)}};
}

void write_snapshot(const std::string& folder, const RunSnapshot& snapshot) {
  save_model_files(folder, snapshot.config_json, snapshot.weights, snapshot.tokenizer_model);
  save_training_state(folder, snapshot.state, snapshot.optimizer);
  const OtherWeights& other = snapshot.other_weights;
  if (!other.tensors.empty()) {
    const bool raw = other.kind == OtherWeights::kRaw;
    save_tensors(raw ? raw_weights_path(folder) : weight_average_path(folder), other.tensors);
  }
  if (!snapshot.unigram_counts.empty()) save_unigram_counts(folder, snapshot.unigram_counts);
}

}  // namespace linformer
