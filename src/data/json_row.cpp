#include "json_row.h"

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/special_tokens.h"
#include "linformer/text/json_repair.h"

namespace linformer {

namespace {

constexpr size_t kMaxLineBytes = size_t{256} << 20;

}  // namespace

JsonRow::JsonRow(const std::string& line, std::string where, int64_t vocab_size,
                 int64_t max_sequence_length)
    : where_(std::move(where)), vocab_size_(vocab_size), max_sequence_length_(max_sequence_length) {
  std::string repaired;
  num_repaired_ = static_cast<int64_t>(append_repaired_json(line, repaired));
  auto parsed = parse_json<nlohmann::json>(repaired);
  if (!parsed.problem.empty()) {
    fail(parsed.problem, "write one object a line, such as {\"input_ids\": [0, 5, 2]}");
  }
  object_ = std::make_unique<nlohmann::json>(std::move(parsed.value));
  if (!object_->is_object()) fail("not a JSON object", "write one object a line");
}

JsonRow::~JsonRow() = default;

bool JsonRow::contains(const char* key) const {
  const auto found = object_->find(key);
  return found != object_->end() && !found->is_null();
}

void JsonRow::fail(const std::string& what, const std::string& fix) const {
  fail_run(where_, what, fix);
}

std::string JsonRow::at(const char* key, size_t i) {
  return std::string(key) + "[" + std::to_string(i) + "]";
}

void JsonRow::fail_vocabulary(const char* key, size_t i, int64_t id,
                              const std::string& or_else) const {
  fail(at(key, i) + " is " + std::to_string(id) + ", outside the vocabulary of " +
           format_count(vocab_size_),
       "use ids from 0 to " + std::to_string(vocab_size_ - 1) + " of the model's own tokenizer" +
           or_else);
}

std::string JsonRow::text(const char* key) const {
  const auto found = object_->find(key);
  if (found == object_->end() || !found->is_string()) {
    fail(std::string("\"") + key + "\" is not text", "write it as \"...\"");
  }
  return found->get<std::string>();
}

std::vector<int64_t> JsonRow::integers(const char* key) const {
  const auto found = object_->find(key);
  if (found == object_->end()) {
    fail(std::string("no key \"") + key + "\"", std::string("every row needs ") + key);
  }
  if (!found->is_array()) {
    fail(std::string("\"") + key + "\" is not a list", "write it as [1, 2, 3]");
  }
  std::vector<int64_t> values;
  values.reserve(found->size());
  for (const nlohmann::json& value : *found) {
    const std::optional<int64_t> number = whole_number_of(value);
    if (!number) {
      fail(at(key, values.size()) + " is " + json_text(value) +
               (value.is_number_integer() ? ", too large a number" : ", not a whole number"),
           "write ids as whole numbers");
    }
    values.push_back(*number);
  }
  return values;
}

void JsonRow::check_length(size_t length) const {
  if (length == 0) fail("input_ids is empty", "remove the row");
  if (length > static_cast<size_t>(max_sequence_length_)) {
    fail(std::to_string(length) + " ids are more than the model's max_sequence_length of " +
             std::to_string(max_sequence_length_),
         "cut the example, or use a model for longer sequences");
  }
}

void JsonRow::check_same_length(const char* key, size_t length, size_t expected) const {
  if (length == expected) return;
  fail(std::string(key) + " has " + std::to_string(length) + " entries, input_ids " +
           std::to_string(expected),
       "give one entry for every id");
}

std::vector<int32_t> JsonRow::input_ids() const {
  const std::vector<int64_t> given = integers("input_ids");
  check_length(given.size());
  std::vector<int32_t> ids;
  ids.reserve(given.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] < 0 || given[i] >= vocab_size_) fail_vocabulary("input_ids", i, given[i], "");
    ids.push_back(static_cast<int32_t>(given[i]));
  }
  return ids;
}

std::vector<uint8_t> JsonRow::attention_mask(const std::vector<int32_t>& ids) const {
  std::vector<uint8_t> mask(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) mask[i] = ids[i] == kPadId ? 0 : 1;
  if (contains("attention_mask")) {
    const std::vector<int64_t> given = integers("attention_mask");
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
  bool any = false;
  for (const uint8_t value : mask) any = any || value != 0;
  if (!any) fail("the row is padding only", "remove the row");
  return mask;
}

JsonLines::JsonLines(const std::string& path) : path_(path), lines_(path, kMaxLineBytes) {}

std::optional<std::string> JsonLines::next() {
  while (const std::optional<std::string_view> line = lines_.next()) {
    ++line_number_;
    if (!lines_.ended()) {
      fail_run(where(), "a line of more than " + format_bytes(double{kMaxLineBytes}),
               "write one JSON object a line");
    }
    if (line->find_first_not_of(" \t\r") != line->npos) return std::string(*line);
  }
  return std::nullopt;
}

}  // namespace linformer
