#include "linformer/data/input_rows.h"

#include <algorithm>
#include <stdexcept>

#include "json_row.h"

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

InputRow row_of_ids(const JsonRow& json, const InputLimits& limits) {
  InputRow row;
  row.input_ids = json.input_ids();
  row.attention_mask = json.attention_mask(row.input_ids);
  if (!json.contains("token_type_ids")) return row;
  const std::vector<int64_t> types = json.integers("token_type_ids");
  json.check_same_length("token_type_ids", types.size(), row.input_ids.size());
  for (size_t i = 0; i < types.size(); ++i) {
    // A model without segments accepts 0, which other programs' tokenizers always write.
    if (types[i] < 0 || types[i] >= std::max<int64_t>(1, limits.type_vocab_size)) {
      json.fail(JsonRow::at("token_type_ids", i) + " is " + std::to_string(types[i]) +
                    ", the model has " + std::to_string(limits.type_vocab_size) + " segments",
                limits.type_vocab_size == 0 ? "leave token_type_ids out" : "use segments from 0");
    }
    row.token_type_ids.push_back(static_cast<int32_t>(types[i]));
  }
  return row;
}

InputRow row_of_text(const JsonRow& json, const InputLimits& limits, const Tokenizer* tokenizer) {
  if (tokenizer == nullptr) {
    json.fail("is text, and the model folder has no tokenizer.model",
              "give input_ids, or put the SentencePiece model beside config.json");
  }
  const auto text = [&](const char* key) {
    std::string value = json.text(key);
    const std::string problem = text_problem(value);
    if (!problem.empty()) json.fail("\"" + std::string(key) + "\" " + problem, "correct the row");
    return value;
  };
  const bool pair = json.contains("text_pair");
  const std::string a = text("text");
  const std::string b = pair ? text("text_pair") : "";
  InputRow row = encode_texts(*tokenizer, a, pair ? &b : nullptr, limits.type_vocab_size);
  json.check_length(row.input_ids.size());
  return row;
}

// <s>, </s></s>, </s>, and two tokens of each text.
constexpr int64_t kShortestLimit = 8;

int64_t size_of(const std::vector<int32_t>& ids) {
  return static_cast<int64_t>(ids.size());
}

InputRow row_of_tokens(const std::vector<int32_t>& a, const std::vector<int32_t>* b,
                       int64_t type_vocab_size) {
  InputRow row;
  row.input_ids.push_back(kBosId);
  row.input_ids.insert(row.input_ids.end(), a.begin(), a.end());
  row.input_ids.push_back(kEosId);
  if (b != nullptr) {
    row.input_ids.push_back(kEosId);
    const size_t second = row.input_ids.size();
    row.input_ids.insert(row.input_ids.end(), b->begin(), b->end());
    row.input_ids.push_back(kEosId);
    if (type_vocab_size > 1) {
      row.token_type_ids.assign(row.input_ids.size(), 0);
      std::fill(row.token_type_ids.begin() + static_cast<std::ptrdiff_t>(second),
                row.token_type_ids.end(), 1);
    }
  }
  row.attention_mask.assign(row.input_ids.size(), 1);
  return row;
}

}  // namespace

std::string text_problem(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return "is empty";
  return text.find('\0') == text.npos ? "" : "holds a NUL byte, so it is not text";
}

InputRow encode_texts(const Tokenizer& tokenizer, const std::string& a, const std::string* b,
                      int64_t type_vocab_size) {
  const std::vector<int32_t> second = b != nullptr ? tokenizer.encode(*b) : std::vector<int32_t>();
  return row_of_tokens(tokenizer.encode(a), b != nullptr ? &second : nullptr, type_vocab_size);
}

InputRow encode_texts_within(const Tokenizer& tokenizer, const std::string& a, const std::string* b,
                             const TextLimits& limits, int64_t& num_truncated) {
  if (limits.max_sequence_length < kShortestLimit)
    throw std::invalid_argument("a limit of fewer than 8 tokens leaves no room for texts");
  std::vector<int32_t> first = tokenizer.encode(a);
  if (b == nullptr) {
    const int64_t room = limits.max_sequence_length - 2;
    if (size_of(first) > room) ++num_truncated;
    truncate_tokens(first, room, limits.truncation);
    return row_of_tokens(first, nullptr, limits.type_vocab_size);
  }
  std::vector<int32_t> second = tokenizer.encode(*b);
  const int64_t room = limits.max_sequence_length - 4;
  if (size_of(first) + size_of(second) > room) {
    ++num_truncated;
    // A text of up to half the room stays whole. The first text gets the odd token.
    const int64_t half = room / 2;
    const int64_t keep_second =
        size_of(first) < room - half ? room - size_of(first) : std::min(size_of(second), half);
    truncate_tokens(first, room - keep_second, limits.truncation);
    truncate_tokens(second, keep_second, limits.truncation);
  }
  return row_of_tokens(first, &second, limits.type_vocab_size);
}

void truncate_tokens(std::vector<int32_t>& ids, int64_t count, Truncation truncation) {
  const int64_t surplus = size_of(ids) - count;
  if (surplus <= 0) return;
  const int64_t from_head = truncation == Truncation::kHead   ? count
                            : truncation == Truncation::kTail ? 0
                                                              : (count + 2) / 4;
  ids.erase(ids.begin() + from_head, ids.begin() + from_head + surplus);
}

InputRows read_input_rows(const std::string& path, const InputLimits& limits,
                          const Tokenizer* tokenizer) {
  JsonLines lines(path);
  InputRows result;
  while (const std::optional<std::string> line = lines.next()) {
    const JsonRow json(*line, lines.where(), limits.vocab_size, limits.max_sequence_length);
    const bool text = json.contains("text");
    if (json.contains("input_ids") == text) {
      json.fail(text ? "has both text and input_ids" : "has neither text nor input_ids",
                "write {\"text\": \"...\"} or {\"input_ids\": [...]}");
    }
    result.rows.push_back(text ? row_of_text(json, limits, tokenizer) : row_of_ids(json, limits));
    result.num_repaired += json.num_repaired();
  }
  if (result.rows.empty()) {
    fail_run(input_name(path), "holds no row",
             "write one JSON object a line, e.g. {\"text\": \"...\"}");
  }
  return result;
}

}  // namespace linformer
