#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "linformer/data/input_rows.h"
#include "linformer/data/length_batches.h"
#include "linformer/nn/model.h"

namespace linformer {

/// A token that may stand at a position, and how probable the model finds it.
struct TokenGuess {
  int32_t id = 0;
  double probability = 0.0;
};

/// The guesses for one <mask>, most probable first.
struct MaskGuesses {
  int64_t position = 0;  ///< in the row's ids
  std::vector<TokenGuess> guesses;
};

/// Guesses what stands behind each <mask>, with a masked-LM model.
class MaskFiller {
 public:
  /// Throws RunError for a model with another head.
  static MaskFiller load(const std::string& folder, at::Device device = at::kCPU);
  explicit MaskFiller(std::unique_ptr<Model> model);

  const ModelConfig& config() const { return model_->config(); }

  /// For each row its masks in order (none for a row without ids), each with the `top_k` most
  /// probable of all tokens: softmax of the logits over the vocabulary; among equal ones the lower
  /// id comes first. Empty if a signal came. Throws RunError if an output is not finite.
  std::vector<std::vector<MaskGuesses>> predict(std::span<const InputRow> rows, int64_t top_k,
                                                const BatchBounds& bounds = {}) const;

 private:
  std::unique_ptr<Model> model_;
};

/// Class scores, or a number, for rows, with a fine-tuned model.
class TextClassifier {
 public:
  /// Throws RunError for a model with a masked-LM head.
  static TextClassifier load(const std::string& folder, at::Device device = at::kCPU);
  explicit TextClassifier(std::unique_ptr<Model> model);

  const ModelConfig& config() const { return model_->config(); }
  const HeadConfig& head() const { return model_->head_config(); }

  /// For each row the outputs before the softmax, one a label, or the number of a regression; none
  /// for a row without ids. Empty if a signal came. Throws RunError if an output is not finite.
  std::vector<std::vector<float>> predict(std::span<const InputRow> rows,
                                          const BatchBounds& bounds = {}) const;

 private:
  std::unique_ptr<Model> model_;
};

/// The number of a label, and its probability.
struct LabelGuess {
  int64_t label = 0;
  double probability = 0.0;
};

/// The `top_k` most probable labels: softmax of logits; among equal ones the lower number first.
std::vector<LabelGuess> most_probable(std::span<const float> logits, int64_t top_k);

}  // namespace linformer
