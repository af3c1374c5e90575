#include "linformer/data/examples.h"

#include <cerrno>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/text/special_tokens.h"

namespace linformer {

namespace {

constexpr int64_t kIgnoredLabel = -100;

/// A row's fields and what to say when one is wrong.
class RowParser {
 public:
  RowParser(std::string where, int64_t vocab_size, int64_t max_sequence_length)
      : where_(std::move(where)),
        vocab_size_(vocab_size),
        max_sequence_length_(max_sequence_length) {}

  BatchRow parse(const std::string& line) const {
    const nlohmann::json object = parse_json(line);
    const std::vector<int64_t> ids = integers(object, "input_ids");
    const std::vector<int64_t> labels = integers(object, "labels");
    check_length(ids.size());
    check_same_length("labels", labels.size(), ids.size());
    BatchRow row;
    for (size_t i = 0; i < ids.size(); ++i) row.sequence.input_ids.push_back(checked_id(ids, i));
    row.attention_mask = attention_mask(object, ids);
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == kIgnoredLabel) continue;
      if (labels[i] < 0 || labels[i] >= vocab_size_)
        fail_vocabulary("labels", i, labels[i], ", or -100 where nothing is predicted");
      if (row.attention_mask[i] == 0) {
        fail(at("labels", i) + " asks for a prediction on padding",
             "put -100 there, or 1 into attention_mask");
      }
      row.sequence.positions.push_back(static_cast<int32_t>(i));
      row.sequence.labels.push_back(static_cast<int32_t>(labels[i]));
    }
    return row;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& fix) const {
    fail_run(where_, what, fix);
  }

  static std::string at(const char* key, size_t i) {
    return std::string(key) + "[" + std::to_string(i) + "]";
  }

  [[noreturn]] void fail_vocabulary(const char* key, size_t i, int64_t id,
                                    const std::string& or_else) const {
    fail(at(key, i) + " is " + std::to_string(id) + ", outside the vocabulary of " +
             format_count(vocab_size_),
         "use ids from 0 to " + std::to_string(vocab_size_ - 1) + " of the model's own tokenizer" +
             or_else);
  }

  nlohmann::json parse_json(const std::string& line) const {
    nlohmann::json object;
    try {
      object = nlohmann::json::parse(line);
    } catch (const nlohmann::json::parse_error& error) {
      fail("not valid JSON, at character " + std::to_string(error.byte),
           "write one object a line, such as {\"input_ids\": [0, 5, 2], \"labels\": [-100, 7, "
           "-100]}");
    }
    if (!object.is_object()) {
      fail("not a JSON object", "write one object a line with the keys input_ids and labels");
    }
    return object;
  }

  std::vector<int64_t> integers(const nlohmann::json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end()) {
      fail(std::string("no key \"") + key + "\"", "every row needs input_ids and labels");
    }
    if (!found->is_array()) {
      fail(std::string("\"") + key + "\" is no list", "write it as [1, 2, 3]");
    }
    std::vector<int64_t> values;
    values.reserve(found->size());
    for (const nlohmann::json& value : *found) {
      if (!value.is_number_integer()) {
        fail(at(key, values.size()) + " is " +
                 value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
                 ", no whole number",
             "write ids as whole numbers");
      }
      values.push_back(value.get<int64_t>());
    }
    return values;
  }

  void check_length(size_t length) const {
    if (length == 0) fail("input_ids is empty", "remove the row");
    if (length > static_cast<size_t>(max_sequence_length_)) {
      fail(std::to_string(length) + " ids are more than the model's max_sequence_length of " +
               std::to_string(max_sequence_length_),
           "cut the example, or use a model for longer sequences");
    }
  }

  void check_same_length(const char* key, size_t length, size_t expected) const {
    if (length == expected) return;
    fail(std::string(key) + " has " + std::to_string(length) + " entries, input_ids " +
             std::to_string(expected),
         "give one entry for every id");
  }

  int32_t checked_id(const std::vector<int64_t>& ids, size_t i) const {
    if (ids[i] < 0 || ids[i] >= vocab_size_) fail_vocabulary("input_ids", i, ids[i], "");
    return static_cast<int32_t>(ids[i]);
  }

  /// The row's own mask, or 0 where <pad> is. Positions are counted over tokens, so a <pad> that
  /// counts as a token would mean different things to different programs.
  std::vector<uint8_t> attention_mask(const nlohmann::json& object,
                                      const std::vector<int64_t>& ids) const {
    std::vector<uint8_t> mask(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) mask[i] = ids[i] == kPadId ? 0 : 1;
    bool any = false;
    if (object.contains("attention_mask")) {
      const std::vector<int64_t> given = integers(object, "attention_mask");
      check_same_length("attention_mask", given.size(), ids.size());
      for (size_t i = 0; i < given.size(); ++i) {
        if (given[i] != 0 && given[i] != 1) {
          fail(at("attention_mask", i) + " is " + std::to_string(given[i]),
               "use 1 for a token, 0 for padding");
        }
        if (given[i] == 1 && mask[i] == 0) {
          fail(at("attention_mask", i) + " is 1, but the id there is <pad>",
               "set attention_mask to 0 at <pad> (id 1)");
        }
        mask[i] = static_cast<uint8_t>(given[i]);
      }
    }
    for (const uint8_t value : mask) any = any || value != 0;
    if (!any) fail("the row is padding only", "remove the row");
    return mask;
  }

  std::string where_;
  int64_t vocab_size_;
  int64_t max_sequence_length_;
};

}  // namespace

ExampleReader::ExampleReader(const std::string& path, int64_t vocab_size,
                             int64_t max_sequence_length)
    : path_(path), vocab_size_(vocab_size), max_sequence_length_(max_sequence_length) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_system(path, "cannot open the file", errno);
  if (S_ISDIR(status.st_mode)) fail_system(path, "cannot read the file", EISDIR);
  stream_.open(path, std::ios::binary);
  if (!stream_) fail_system(path, "cannot open the file", errno);
}

std::optional<BatchRow> ExampleReader::next_row() {
  std::string line;
  while (std::getline(stream_, line)) {
    ++line_number_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const RowParser parser(path_ + ":" + std::to_string(line_number_), vocab_size_,
                           max_sequence_length_);
    BatchRow row = parser.parse(line);
    row.sample = {0, num_examples_++};
    return row;
  }
  if (stream_.bad()) fail_system(path_, "cannot read the file", errno);
  if (num_examples_ == 0) {
    fail_run(path_, "holds no example",
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
