#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "linformer/data/batch.h"

namespace linformer {

class JsonLines;

/// Reads ready-made masked-LM examples, one JSON object per line:
///
///   {"input_ids": [0, 17, 8, 2], "attention_mask": [1, 1, 1, 1], "labels": [-100, 5, -100, -100]}
///
/// `labels` has the id to predict, or -100 where nothing is predicted. Without `attention_mask`,
/// every id but <pad> (1) counts as a token. Empty lines are skipped, other keys ignored. A bad row
/// throws RunError that names FILE:LINE. So does a file without any example.
class ExampleReader {
 public:
  ExampleReader(const std::string& path, int64_t vocab_size, int64_t max_sequence_length);
  ~ExampleReader();

  /// The next examples, at most `count`, padded to the longest; nothing at the end of the file.
  /// Their samples are {0, number of the example}, counted from 0.
  std::optional<Batch> next(int64_t count);

  int64_t num_examples() const { return num_examples_; }

 private:
  std::optional<BatchRow> next_row();

  std::unique_ptr<JsonLines> lines_;
  int64_t vocab_size_;
  int64_t max_sequence_length_;
  int64_t num_examples_ = 0;
};

}  // namespace linformer
