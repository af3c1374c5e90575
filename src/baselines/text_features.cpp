#include "linformer/baselines/text_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "linformer/core/checksum.h"
#include "linformer/core/random.h"

namespace linformer {

namespace {

constexpr size_t kNumOverlapFigures = 7;

/// The part of an example that a feature belongs to.
enum class Part : uint64_t { kFirst = 1, kSecond, kBoth, kOnlyFirst, kOnlySecond };
constexpr Part kParts[] = {Part::kFirst, Part::kSecond, Part::kBoth, Part::kOnlyFirst,
                           Part::kOnlySecond};

/// Ordered, so that sums do not depend on the order of a hash table.
using Counts = std::map<uint64_t, int64_t>;

uint64_t key_of(Part part, uint64_t hash) {
  return mix64(hash + static_cast<uint64_t>(part) * 0x9E3779B97F4A7C15ULL);
}

struct HashedText {
  std::vector<uint64_t> words;
  std::set<uint64_t> distinct_words;
  std::set<uint64_t> distinct_pairs;
  Counts counts;  // of words and of pairs of neighbours
};

HashedText hashed(const std::string& text) {
  HashedText result;
  for (const std::string& word : words_of(text)) result.words.push_back(xxh3(word));
  for (size_t i = 0; i < result.words.size(); ++i) {
    ++result.counts[result.words[i]];
    result.distinct_words.insert(result.words[i]);
    if (i == 0) continue;
    const uint64_t pair = mix64(mix64(result.words[i - 1]) + result.words[i]);
    ++result.counts[pair];
    result.distinct_pairs.insert(pair);
  }
  return result;
}

struct HashedExample {
  HashedText a, b;
  std::map<Part, Counts> parts;
};

HashedExample hashed(const LabelledExample& example) {
  HashedExample result;
  result.a = hashed(example.a);
  result.parts[Part::kFirst] = result.a.counts;
  if (!example.b) return result;
  result.b = hashed(*example.b);
  result.parts[Part::kSecond] = result.b.counts;
  for (const uint64_t word : result.a.distinct_words) {
    const bool both = result.b.distinct_words.contains(word);
    result.parts[both ? Part::kBoth : Part::kOnlyFirst][word] = 1;
  }
  for (const uint64_t word : result.b.distinct_words) {
    if (!result.a.distinct_words.contains(word)) result.parts[Part::kOnlySecond][word] = 1;
  }
  return result;
}

double ratio(double numerator, double denominator) {
  return denominator > 0.0 ? numerator / denominator : 0.0;
}

float idf(size_t num_examples, int64_t frequency) {
  return static_cast<float>(
      std::log((1.0 + static_cast<double>(num_examples)) / (1.0 + static_cast<double>(frequency))) +
      1.0);
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool upper = letter >= 'A' && letter <= 'Z';
    if (upper || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
        byte >= 0x80) {
      word += upper ? static_cast<char>(letter - 'A' + 'a') : letter;
    } else {
      finish();
      if (byte > ' ') words.emplace_back(1, letter);
    }
  }
  finish();
  return words;
}

TextFeatures::TextFeatures(std::span<const LabelledExample> examples, int64_t min_examples) {
  std::unordered_map<uint64_t, int64_t> frequencies;
  std::unordered_map<uint64_t, int64_t> word_frequencies;
  std::vector<uint64_t> order;  // sorted by first occurrence, so that columns are always the same
  bool pairs = false;
  for (const LabelledExample& example : examples) {
    const HashedExample row = hashed(example);
    pairs = pairs || example.b.has_value();
    for (const auto& [part, counts] : row.parts) {
      for (const auto& [hash, count] : counts) {
        const uint64_t key = key_of(part, hash);
        if (++frequencies[key] == 1) order.push_back(key);
      }
    }
    std::set<uint64_t> words = row.a.distinct_words;
    words.insert(row.b.distinct_words.begin(), row.b.distinct_words.end());
    for (const uint64_t word : words) ++word_frequencies[word];
  }
  num_columns_ = pairs ? kNumOverlapFigures : 0;
  for (const uint64_t key : order) {
    const int64_t frequency = frequencies[key];
    if (frequency < min_examples) continue;
    columns_[key] = {static_cast<uint32_t>(num_columns_++), idf(examples.size(), frequency)};
  }
  for (const auto& [word, frequency] : word_frequencies)
    word_idf_[word] = idf(examples.size(), frequency);
  unseen_idf_ = idf(examples.size(), 0);
}

double TextFeatures::idf_of_word(uint64_t word) const {
  const auto found = word_idf_.find(word);
  return double{found == word_idf_.end() ? unseen_idf_ : found->second};
}

void TextFeatures::add_row(const LabelledExample& example, SparseRows& rows) const {
  const HashedExample row = hashed(example);
  for (const Part part : kParts) {
    const auto found = row.parts.find(part);
    if (found == row.parts.end()) continue;
    const size_t begin = rows.values.size();
    double squares = 0.0;
    for (const auto& [hash, count] : found->second) {
      const auto column = columns_.find(key_of(part, hash));
      if (column == columns_.end()) continue;
      const double value =
          (1.0 + std::log(static_cast<double>(count))) * double{column->second.idf};
      rows.columns.push_back(column->second.place);
      rows.values.push_back(static_cast<float>(value));
      squares += value * value;
    }
    for (size_t i = begin; i < rows.values.size(); ++i)
      rows.values[i] /= static_cast<float>(std::sqrt(squares));
  }
  if (example.b) {
    double mass_a = 0.0, mass_b = 0.0, mass_both = 0.0, squares_a = 0.0, squares_b = 0.0;
    double squares_both = 0.0;
    for (const uint64_t word : row.a.distinct_words) {
      const double weight = idf_of_word(word);
      mass_a += weight;
      squares_a += weight * weight;
      if (!row.b.distinct_words.contains(word)) continue;
      mass_both += weight;
      squares_both += weight * weight;
    }
    for (const uint64_t word : row.b.distinct_words) {
      const double weight = idf_of_word(word);
      mass_b += weight;
      squares_b += weight * weight;
    }
    double pairs_both = 0.0;
    for (const uint64_t pair : row.a.distinct_pairs)
      pairs_both += row.b.distinct_pairs.contains(pair) ? 1.0 : 0.0;
    const auto size = [](const auto& set) { return static_cast<double>(set.size()); };
    const double cosine = ratio(squares_both, std::sqrt(squares_a * squares_b));
    const double of_b = ratio(mass_both, mass_b);
    const double figures[kNumOverlapFigures] = {
        cosine,
        cosine * cosine,
        ratio(mass_both, mass_a),
        of_b,
        of_b * of_b,
        ratio(pairs_both, size(row.a.distinct_pairs) + size(row.b.distinct_pairs) - pairs_both),
        ratio(std::min(size(row.a.words), size(row.b.words)),
              std::max(size(row.a.words), size(row.b.words)))};
    for (size_t i = 0; i < kNumOverlapFigures; ++i) {
      rows.columns.push_back(static_cast<uint32_t>(i));
      rows.values.push_back(static_cast<float>(figures[i]));
    }
  }
  rows.ends.push_back(rows.values.size());
}

SparseRows TextFeatures::rows(std::span<const LabelledExample> examples) const {
  SparseRows rows;
  rows.num_columns = num_columns_;
  for (const LabelledExample& example : examples) add_row(example, rows);
  return rows;
}

}  // namespace linformer
