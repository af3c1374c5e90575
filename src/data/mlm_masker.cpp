#include "linformer/data/mlm_masker.h"

#include <algorithm>
#include <cmath>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/special_tokens.h"

namespace linformer {

namespace {

constexpr int32_t kFirstOrdinaryId = kUnkId + 1;
constexpr int64_t kNumSpecialIds = kFirstOrdinaryId + 1;  // and <mask>

void check_probability(const char* name, double value) {
  if (value >= -1e-9 && value <= 1.0) return;  // false for NaN, too
  fail_usage(std::string("data.") + name, format_number(value) + " is not a probability",
             "choose a number from 0 to 1, such as 0.15");
}

}  // namespace

MlmMasker::MlmMasker(const MaskingOptions& options) : options_(options) {
  check_probability("mlm_probability", options.mlm_probability);
  check_probability("replace_probability", options.replace_probability);
  check_probability("random_probability", options.random_probability);
  // 1e-9: shares such as 0.7 and 0.3 may add up to a little more than 1.
  check_probability("replace_probability + random_probability",
                    options.replace_probability + options.random_probability - 1e-9);
  if (!options.word_starts.empty() &&
      static_cast<int64_t>(options.word_starts.size()) != options.vocab_size) {
    fail_usage("data.masking", "the tokenizer's words are of another vocabulary",
               "use the tokenizer that the data were prepared with");
  }
  if (options.vocab_size <= kNumSpecialIds) {
    fail_usage("vocab_size", format_count(options.vocab_size) + " ids are special tokens only",
               "use a tokenizer with more pieces");
  }
}

bool MlmMasker::is_special(int32_t id) const {
  return id < kFirstOrdinaryId || id >= mask_id(options_.vocab_size);
}

std::vector<MlmMasker::IndexSpan> MlmMasker::maskable_units(std::span<const int32_t> tokens) const {
  std::vector<IndexSpan> units;
  bool open = false;  // the position before is maskable
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool maskable = !is_special(tokens[i]);
    const auto position = static_cast<int32_t>(i);
    if (maskable && open && continues_word(tokens[i])) {
      units.back().second = position + 1;
    } else if (maskable) {
      units.emplace_back(position, position + 1);
    }
    open = maskable;
  }
  return units;
}

MaskedSequence MlmMasker::mask(std::span<const int32_t> tokens, RandomStream random,
                               double mlm_probability) const {
  MaskedSequence result;
  result.input_ids.assign(tokens.begin(), tokens.end());
  std::vector<IndexSpan> units = maskable_units(tokens);
  const size_t num_units = units.size();
  const double expected = mlm_probability * static_cast<double>(num_units);
  const size_t num_masked =
      std::min(num_units, static_cast<size_t>(std::floor(expected + random.uniform())));
  // The first steps of a Fisher-Yates shuffle draw without replacement.
  for (size_t i = 0; i < num_masked; ++i)
    std::swap(units[i], units[i + random.below(num_units - i)]);
  units.resize(num_masked);
  std::sort(units.begin(), units.end());
  std::vector<int32_t>& positions = result.positions;
  for (const auto& [begin, end] : units) {
    for (int32_t position = begin; position < end; ++position) positions.push_back(position);
  }

  const auto num_ordinary = static_cast<uint64_t>(options_.vocab_size - kNumSpecialIds);
  for (const int32_t position : positions) {
    const auto place = static_cast<size_t>(position);
    result.labels.push_back(tokens[place]);
    const double choice = random.uniform();
    if (choice < options_.replace_probability) {
      result.input_ids[place] = mask_id(options_.vocab_size);
    } else if (choice < options_.replace_probability + options_.random_probability) {
      result.input_ids[place] = kFirstOrdinaryId + static_cast<int32_t>(random.below(num_ordinary));
    }
  }
  return result;
}

RandomStream training_masks(uint64_t seed, SampleId sample) {
  return {RandomPurpose::kMasking,
          {seed, static_cast<uint64_t>(sample.epoch), static_cast<uint64_t>(sample.index)}};
}

RandomStream validation_masks(uint64_t mask_seed, int64_t index) {
  return {RandomPurpose::kValidationMasking, {mask_seed, 0, static_cast<uint64_t>(index)}};
}

}  // namespace linformer
