#include "linformer/data/fixed_predictions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

/// Six standard deviations above the mean of `count` draws, in steps that fast kernels prefer.
int64_t enough(int64_t count, double probability) {
  constexpr int64_t kStep = 8;
  const auto draws = static_cast<double>(count);
  const double most =
      draws * probability + 6.0 * std::sqrt(draws * probability * (1.0 - probability));
  const auto whole = static_cast<int64_t>(std::ceil(most));
  return std::min(count, (whole + kStep - 1) / kStep * kStep);
}

}  // namespace

Batch with_length(const Batch& batch, int64_t length) {
  if (batch.length == length) return batch;
  Batch result = batch;
  result.length = length;
  result.has_padding = true;
  const auto lengthen = [&](auto& values, auto padding) {
    if (values.empty()) return;
    const auto before = std::move(values);
    values.assign(static_cast<size_t>(batch.num_sequences * length), padding);
    for (int64_t b = 0; b < batch.num_sequences; ++b) {
      std::copy_n(before.begin() + b * batch.length, batch.length, values.begin() + b * length);
    }
  };
  lengthen(result.input_ids, int64_t{kPadId});
  lengthen(result.attention_mask, uint8_t{0});
  lengthen(result.token_type_ids, int64_t{0});
  for (int64_t& position : result.masked_positions) {
    position = position / batch.length * length + position % batch.length;
  }
  return result;
}

FixedPredictions fixed_predictions(int64_t num_sequences, int64_t length, double probability) {
  FixedPredictions fixed;
  fixed.most_in_sequence = enough(length, probability);
  fixed.in_batch =
      std::min(enough(num_sequences * length, probability), num_sequences * fixed.most_in_sequence);
  return fixed;
}

std::optional<Batch> with_fixed_predictions(const Batch& batch, const FixedPredictions& fixed) {
  int64_t missing = fixed.in_batch - static_cast<int64_t>(batch.masked_positions.size());
  if (missing < 0) return std::nullopt;
  Batch result = batch;
  result.masked_positions.clear();
  result.masked_labels.clear();
  size_t next = 0;  // of batch.masked_positions
  for (int64_t b = 0; b < batch.num_sequences; ++b) {
    const int64_t end = (b + 1) * batch.length;
    const auto last =
        std::lower_bound(batch.masked_positions.begin(), batch.masked_positions.end(), end);
    const auto own = last - batch.masked_positions.begin() - static_cast<int64_t>(next);
    if (own > fixed.most_in_sequence) return std::nullopt;
    int64_t added = std::min(missing, fixed.most_in_sequence - own);
    missing -= added;
    for (int64_t position = b * batch.length; position < end; ++position) {
      const bool predicted =
          next < batch.masked_positions.size() && batch.masked_positions[next] == position;
      if (!predicted && added == 0) continue;
      result.masked_positions.push_back(position);
      result.masked_labels.push_back(predicted ? batch.masked_labels[next] : kNoPrediction);
      predicted ? ++next : --added;
    }
  }
  if (missing > 0) return std::nullopt;
  return result;
}

}  // namespace linformer
