#include "linformer/train/run_snapshot.h"

#include <ATen/ATen.h>

#include "linformer/train/model_folder.h"

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
  for (const NamedTensors* tensors : {&weights, &optimizer, &average}) {
    for (const auto& [name, tensor] : *tensors) bytes += tensor.nbytes();
  }
  return bytes;
}

RunSnapshot take_snapshot(ModelFiles model, const NamedTensors& moments, const TrainingState& state,
                          const NamedTensors& average) {
  const at::NoGradGuard no_grad;
  return {std::move(model.config_json),
          std::move(model.tokenizer),
          copies_of(model.tensors),
          copies_of(moments),
          state,
          std::move(model.unigram_counts),
          copies_of(average)};
}

void write_snapshot(const std::string& folder, const RunSnapshot& snapshot) {
  save_model(folder, snapshot.config_json, snapshot.weights, snapshot.tokenizer_model);
  save_training_state(folder, snapshot.state, snapshot.optimizer);
  if (!snapshot.average.empty()) save_tensors(weight_average_path(folder), snapshot.average);
  if (!snapshot.unigram_counts.empty()) save_unigram_counts(folder, snapshot.unigram_counts);
}

}  // namespace linformer
