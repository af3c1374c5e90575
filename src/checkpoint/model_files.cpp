#include "linformer/checkpoint/model_files.h"

#include <filesystem>

#include <ATen/ATen.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

// More tokens than anyone trains on; up to here sums of counts are exact.
constexpr double kMostTokens = 0x1p53;

std::string unigram_path(const std::string& folder) {
  return folder + "/training/unigram.safetensors";
}

}  // namespace

void save_model_files(const std::string& folder, const std::string& config_json,
                      const NamedTensors& tensors, const std::string& tokenizer_model_bytes) {
  write_file_atomically(folder + "/config.json", config_json);
  save_tensors(folder + "/model.safetensors", tensors);
  write_file_atomically(folder + "/tokenizer.model", tokenizer_model_bytes);
}

void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts) {
  make_directories(folder + "/training");
  const std::vector<int64_t> values(counts.begin(), counts.end());
  save_tensors(unigram_path(folder), {{"counts", at::tensor(values, at::kLong)}});
}

bool has_unigram_counts(const std::string& folder) {
  return std::filesystem::exists(unigram_path(folder));
}

std::vector<int64_t> load_unigram_counts(const std::string& folder, int64_t vocab_size) {
  const std::string path = unigram_path(folder);
  std::vector<int64_t> counts(static_cast<size_t>(vocab_size));
  const at::Tensor tensor = at::from_blob(counts.data(), {vocab_size}, at::kLong);
  load_into(path, {{"counts", tensor}});
  // In doubles the sum cannot overflow; a real corpus is far below the bound.
  const at::Tensor as_double = tensor.to(at::kDouble);
  if (tensor.lt(0).any().item<bool>() || as_double.sum().item<double>() > kMostTokens) {
    fail_run(path, "its counts are no numbers of tokens",
             "take another copy of the checkpoint, or remove the file: the unigram model's "
             "perplexity is then left out");
  }
  return counts;
}

std::string weight_average_path(const std::string& folder) {
  return folder + "/training/ema.safetensors";
}

std::string raw_weights_path(const std::string& folder) {
  return folder + "/training/raw.safetensors";
}

bool has_averaged_weights(const std::string& folder) {
  return std::filesystem::exists(weight_average_path(folder)) ||
         std::filesystem::exists(raw_weights_path(folder));
}

std::optional<std::string> find_not_finite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!at::isfinite(tensor).all().item<bool>()) return name;
  }
  return std::nullopt;
}

void check_finite(const std::string& source, const NamedTensors& tensors) {
  if (const std::optional<std::string> name = find_not_finite(tensors)) {
    fail_run(source, *name + " holds values that are not finite",
             "training diverged, or the file is damaged; take an earlier checkpoint");
  }
}

}  // namespace linformer
