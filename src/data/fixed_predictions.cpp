#include "linformer/data/fixed_predictions.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

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

Batch with_length(Batch batch, int64_t length) {
  if (batch.length == length) return batch;
  const auto lengthen = [&](auto& values, auto padding) {
    if (values.empty()) return;
    const auto before = std::move(values);
    values.assign(static_cast<size_t>(batch.num_sequences * length), padding);
    for (int64_t b = 0; b < batch.num_sequences; ++b) {
      std::copy_n(before.begin() + b * batch.length, batch.length, values.begin() + b * length);
    }
  };
  lengthen(batch.input_ids, int64_t{kPadId});
  lengthen(batch.attention_mask, uint8_t{0});
  lengthen(batch.token_type_ids, int64_t{0});
  for (int64_t& position : batch.masked_positions) {
    position = position / batch.length * length + position % batch.length;
  }
  batch.length = length;
  batch.has_padding = true;
  return batch;
}

FixedPredictions fixed_predictions(int64_t num_sequences, int64_t length, double probability) {
  FixedPredictions fixed;
  fixed.most_in_sequence = enough(length, probability);
  fixed.in_batch =
      std::min(enough(num_sequences * length, probability), num_sequences * fixed.most_in_sequence);
  return fixed;
}

std::optional<Batch> with_fixed_predictions(Batch batch, const FixedPredictions& fixed) {
  int64_t missing = fixed.in_batch - static_cast<int64_t>(batch.masked_positions.size());
  if (missing < 0) return std::nullopt;
  std::vector<int64_t> positions;
  std::vector<int64_t> labels;
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
      positions.push_back(position);
      labels.push_back(predicted ? batch.masked_labels[next] : kNoPrediction);
      predicted ? ++next : --added;
    }
  }
  if (missing > 0) return std::nullopt;
  batch.masked_positions = std::move(positions);
  batch.masked_labels = std::move(labels);
  return batch;
}

}  // namespace linformer
