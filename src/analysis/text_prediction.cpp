#include "linformer/analysis/text_prediction.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "linformer/analysis/finite_outputs.h"
#include "linformer/core/special_tokens.h"
#include "linformer/core/stop_signal.h"
#include "linformer/models/model_folder.h"
#include "linformer/objectives/row_input.h"

namespace linformer {

namespace {

/// Masks whose logits, a vocabulary each, are in memory together.
constexpr int64_t kMasksAtOnce = 128;

struct MaskPlace {
  size_t row;
  int64_t position;
};

std::vector<size_t> lengths_of(std::span<const InputRow> rows) {
  std::vector<size_t> lengths;
  for (const InputRow& row : rows) lengths.push_back(row.input_ids.size());
  return lengths;
}

std::vector<const InputRow*> members_of(std::span<const InputRow> rows,
                                        const std::vector<size_t>& batch) {
  std::vector<const InputRow*> members;
  for (const size_t row : batch) members.push_back(&rows[row]);
  return members;
}

/// top_k of each line of probabilities (M, V).
std::vector<std::vector<TokenGuess>> best_tokens(const at::Tensor& probabilities, int64_t top_k) {
  const auto [values, ids] = probabilities.topk(std::min(top_k, probabilities.size(1)), 1);
  const at::Tensor value_rows = values.to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor id_rows = ids.to(at::kCPU).contiguous();
  std::vector<std::vector<TokenGuess>> best(static_cast<size_t>(value_rows.size(0)));
  const double* value = value_rows.data_ptr<double>();
  const int64_t* id = id_rows.data_ptr<int64_t>();
  for (std::vector<TokenGuess>& guesses : best) {
    for (int64_t i = 0; i < value_rows.size(1); ++i) {
      guesses.push_back({static_cast<int32_t>(*id++), *value++});
    }
    std::sort(guesses.begin(), guesses.end(), [](const TokenGuess& a, const TokenGuess& b) {
      return a.probability != b.probability ? a.probability > b.probability : a.id < b.id;
    });
  }
  return best;
}

}  // namespace

MaskFiller MaskFiller::load(const std::string& folder, at::Device device) {
  return MaskFiller(load_masked_lm(folder, device));
}

MaskFiller::MaskFiller(std::unique_ptr<Model> model) : model_(std::move(model)) {}

std::vector<std::vector<MaskGuesses>> MaskFiller::predict(std::span<const InputRow> rows,
                                                          int64_t top_k,
                                                          const BatchBounds& bounds) const {
  const at::NoGradGuard no_grad;
  const int32_t mask = mask_id(config().vocab_size);
  const bool segments = config().type_vocab_size > 0;
  const at::Device device = model_->parameters().device();
  std::vector<std::vector<MaskGuesses>> answers(rows.size());
  for (const std::vector<size_t>& batch : length_batches(lengths_of(rows), bounds)) {
    if (stop_signal() != 0) return {};
    const std::vector<const InputRow*> members = members_of(rows, batch);
    const EncoderInput input = row_input(members, segments, device);
    const int64_t length = input.input_ids.size(1);
    std::vector<MaskPlace> places;
    std::vector<int64_t> flat;  // b * N + i
    for (size_t b = 0; b < batch.size(); ++b) {
      const std::vector<int32_t>& ids = members[b]->input_ids;
      for (size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] != mask) continue;
        places.push_back({batch[b], static_cast<int64_t>(i)});
        flat.push_back(static_cast<int64_t>(b) * length + places.back().position);
      }
    }
    if (places.empty()) continue;
    ForwardContext evaluation;
    const at::Tensor hidden = model_->encoder().forward_rows(input, flat, evaluation);
    for (int64_t first = 0; first < hidden.size(0); first += kMasksAtOnce) {
      const int64_t count = std::min(kMasksAtOnce, hidden.size(0) - first);
      const at::Tensor logits = model_->masked_lm_head().logits(hidden.narrow(0, first, count));
      require_finite_outputs(logits);
      std::vector<std::vector<TokenGuess>> best = best_tokens(logits.softmax(1), top_k);
      for (size_t m = 0; m < best.size(); ++m) {
        const MaskPlace& place = places[static_cast<size_t>(first) + m];
        answers[place.row].push_back({place.position, std::move(best[m])});
      }
    }
  }
  return answers;
}

TextClassifier TextClassifier::load(const std::string& folder, at::Device device) {
  return TextClassifier(load_classifier(folder, device));
}

TextClassifier::TextClassifier(std::unique_ptr<Model> model) : model_(std::move(model)) {}

std::vector<std::vector<float>> TextClassifier::predict(std::span<const InputRow> rows,
                                                        const BatchBounds& bounds) const {
  const at::NoGradGuard no_grad;
  const at::Device device = model_->parameters().device();
  const bool segments = config().type_vocab_size > 0;
  std::vector<std::vector<float>> outputs(rows.size());
  for (const std::vector<size_t>& batch : length_batches(lengths_of(rows), bounds)) {
    if (stop_signal() != 0) return {};
    const EncoderInput input = row_input(members_of(rows, batch), segments, device);
    ForwardContext evaluation;
    const at::Tensor logits = model_->classification_head()
                                  .logits(model_->encoder(), input, evaluation)
                                  .to(at::kCPU, at::kFloat)
                                  .contiguous();
    require_finite_outputs(logits);
    const auto width = static_cast<size_t>(logits.size(1));
    for (size_t b = 0; b < batch.size(); ++b) {
      const float* const row = logits.data_ptr<float>() + b * width;
      outputs[batch[b]].assign(row, row + width);
    }
  }
  return outputs;
}

std::vector<LabelGuess> most_probable(std::span<const float> logits, int64_t top_k) {
  std::vector<LabelGuess> guesses;
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) {
    const double weight = std::exp(static_cast<double>(logit) - largest);
    guesses.push_back({static_cast<int64_t>(guesses.size()), weight});
    sum += weight;
  }
  for (LabelGuess& guess : guesses) guess.probability /= sum;
  std::stable_sort(guesses.begin(), guesses.end(), [](const LabelGuess& a, const LabelGuess& b) {
    return a.probability > b.probability;
  });
  guesses.resize(std::min(guesses.size(), static_cast<size_t>(top_k)));
  return guesses;
}

}  // namespace linformer
