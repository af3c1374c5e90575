#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "linformer/data/labelled_examples.h"

namespace linformer {

/// Sparse rows.
struct SparseRows {
  std::vector<size_t> ends;  ///< end of each row in the following two
  std::vector<uint32_t> columns;
  std::vector<float> values;
  size_t num_columns = 0;

  size_t num_rows() const { return ends.size(); }
  size_t begin(size_t row) const { return row == 0 ? 0 : ends[row - 1]; }
};

/// Words in lower case (letters outside ASCII unchanged) and single punctuation marks.
std::vector<std::string> words_of(std::string_view text);

/// Words and pairs of neighbouring words, hashed, weighted by (1 + log tf) idf and scaled to length
/// 1 per text. A pair of texts has the features of a, those of b, the words that both have, the
/// words that only one has, and measures of their overlap (cosine, shares, ratio of the lengths).
class TextFeatures {
 public:
  /// Learns the columns and their idf = log((1 + n) / (1 + df)) + 1 from training examples.
  /// Features in fewer than `min_examples` of them are left out.
  TextFeatures(std::span<const LabelledExample> examples, int64_t min_examples = 2);

  size_t num_columns() const { return num_columns_; }
  SparseRows rows(std::span<const LabelledExample> examples) const;

 private:
  struct Column {
    uint32_t place = 0;
    float idf = 0.0F;
  };

  void add_row(const LabelledExample& example, SparseRows& rows) const;
  double idf_of_word(uint64_t word) const;

  std::unordered_map<uint64_t, Column> columns_;
  std::unordered_map<uint64_t, float> word_idf_;  // over both texts of a pair
  float unseen_idf_ = 1.0F;
  size_t num_columns_ = 0;
};

}  // namespace linformer
