#include "linformer/data/examples.h"

#include <vector>

#include "json_row.h"

#include "linformer/core/error.h"

namespace linformer {

namespace {

constexpr int64_t kIgnoredLabel = -100;

BatchRow parse_example(const JsonRow& json, int64_t vocab_size) {
  BatchRow row;
  row.sequence.input_ids = json.input_ids();
  const std::vector<int64_t> labels = json.integers("labels");
  json.check_same_length("labels", labels.size(), row.sequence.input_ids.size());
  row.attention_mask = json.attention_mask(row.sequence.input_ids);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kIgnoredLabel) continue;
    if (labels[i] < 0 || labels[i] >= vocab_size) {
      json.fail_vocabulary("labels", i, labels[i], ", or -100 where nothing is predicted");
    }
    if (row.attention_mask[i] == 0) {
      json.fail(JsonRow::at("labels", i) + " asks for a prediction on padding",
                "put -100 there, or 1 into attention_mask");
    }
    row.sequence.positions.push_back(static_cast<int32_t>(i));
    row.sequence.labels.push_back(static_cast<int32_t>(labels[i]));
  }
  return row;
}

}  // namespace

ExampleReader::ExampleReader(const std::string& path, int64_t vocab_size,
                             int64_t max_sequence_length)
    : lines_(std::make_unique<JsonLines>(path)),
      vocab_size_(vocab_size),
      max_sequence_length_(max_sequence_length) {}

ExampleReader::~ExampleReader() = default;

std::optional<BatchRow> ExampleReader::next_row() {
  if (const std::optional<std::string> line = lines_->next()) {
    BatchRow row = parse_example(JsonRow(*line, lines_->where(), vocab_size_, max_sequence_length_),
                                 vocab_size_);
    row.sample = {0, num_examples_++};
    return row;
  }
  if (num_examples_ == 0) {
    fail_run(lines_->path(), "holds no example",
             "write one JSON object a line with the keys input_ids and labels");
  }
  return std::nullopt;
}

std::optional<Batch> ExampleReader::next(int64_t count) {
  std::vector<BatchRow> rows;
  while (static_cast<int64_t>(rows.size()) < count) {
    std::optional<BatchRow> row = next_row();
    if (!row) break;
    rows.push_back(std::move(*row));
  }
  if (rows.empty()) return std::nullopt;
  return make_batch(rows, max_sequence_length_);
}

}  // namespace linformer
