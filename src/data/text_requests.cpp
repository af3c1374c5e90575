#include "linformer/data/text_requests.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/text/json_repair.h"
#include "linformer/text/utf8.h"

namespace linformer {

namespace {

constexpr size_t kMostWindowBytes = size_t{16} << 20;

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t") == text.npos;
}

/// A string of a JSON object, or what is wrong with it.
std::string take_text(const nlohmann::json& object, const char* key, TextRequest& request) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_string()) return found->get<std::string>();
  request.error = std::string("\"") + key + "\" is " +
                  (found == object.end() ? "missing" : "no text") +
                  "; write {\"text\": \"...\"}, a pair as {\"text\": \"...\", \"text_pair\": "
                  "\"...\"}";
  return "";
}

void split_json(const std::string& line, TextRequest& request) {
  std::string repaired;
  request.repaired_utf8 += append_repaired_json(line, repaired);
  const auto object = nlohmann::json::parse(repaired, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    request.error = "no JSON object; write {\"text\": \"...\"}, or read the input as plain text";
    return;
  }
  request.text = take_text(object, "text", request);
  if (object.contains("text_pair")) request.text_pair = take_text(object, "text_pair", request);
}

constexpr int64_t kShortestRow = 8;  // of encode_texts_within()

}  // namespace

TextRequests::TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
                           std::vector<std::string> texts)
    : tokenizer_(tokenizer), options_(options), texts_(std::move(texts)) {
  check_length();
}

TextRequests::TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
                           LineStream lines)
    : tokenizer_(tokenizer), options_(options), lines_(std::move(lines)) {
  check_length();
}

void TextRequests::check_length() const {
  if (options_.max_sequence_length >= kShortestRow) return;
  fail_run("the model",
           "takes " + std::to_string(options_.max_sequence_length) +
               " tokens at most, too few for texts",
           "use a model for " + std::to_string(kShortestRow) + " tokens at least");
}

std::vector<TextRequest> TextRequests::next() {
  std::vector<TextRequest> window;
  size_t bytes = 0;
  while (std::optional<TextRequest> request = next_request()) {
    bytes += request->text.size();
    window.push_back(std::move(*request));
    if (window.size() >= options_.look_ahead || bytes > kMostWindowBytes) break;
    if (lines_ && !lines_->ready()) break;
  }
  return window;
}

std::optional<TextRequest> TextRequests::next_request() {
  if (!lines_) {
    if (next_text_ == texts_.size()) return std::nullopt;
    TextRequest given = request(texts_[next_text_++]);
    given.input = "--text";
    given.line = next_text_;
    return given;
  }
  const std::optional<InputLine> line = lines_->next();
  if (!line) return std::nullopt;
  TextRequest read;
  if (line->too_long) {
    read.error = "the line is longer than " + format_bytes(LineStream::kMaxLineBytes);
  } else {
    read = request(line->text);
  }
  read.input = lines_->input();
  read.line = line->number;
  return read;
}

TextRequest TextRequests::request(const std::string& line) const {
  TextRequest request;
  std::string repaired;
  request.repaired_utf8 = append_repaired_utf8(line, repaired);
  if (repaired.find('\0') != repaired.npos) {
    request.error = "holds a NUL byte, so it is no text";
    return request;
  }
  split(repaired, request);
  if (request.error.empty()) encode(request);
  return request;
}

/// Sets the texts or the error.
void TextRequests::split(const std::string& line, TextRequest& request) const {
  if (is_blank(line)) {
    request.error = "the line is empty";
    return;
  }
  request.text = line;
  if (options_.json_lines) {
    split_json(line, request);
  } else if (options_.kind == RequestKind::kClassify) {
    const size_t tab = line.find('\t');
    if (tab == line.npos) return;
    request.text = line.substr(0, tab);
    request.text_pair = line.substr(tab + 1);
    if (request.text_pair->find('\t') != request.text_pair->npos) {
      request.error = std::to_string(std::count(line.begin(), line.end(), '\t')) +
                      " TABs; write one text, or two with one TAB between them";
    }
  }
}

/// Sets the row or the error. Pairs are laid out as for fine-tuning.
void TextRequests::encode(TextRequest& request) const {
  if (options_.kind == RequestKind::kFillMask) {
    encode_prompt(request);
    return;
  }
  int64_t num_truncated = 0;
  const std::string* const b = request.text_pair ? &*request.text_pair : nullptr;
  request.row = encode_texts_within(
      tokenizer_, request.text, b,
      {options_.max_sequence_length, options_.truncation, options_.type_vocab_size}, num_truncated);
  request.truncated = num_truncated > 0;
}

void TextRequests::encode_prompt(TextRequest& request) const {
  if (request.text_pair) {
    request.error = "\"text_pair\" has no meaning here; write one text";
    return;
  }
  std::vector<int32_t> ids = tokenizer_.encode(request.text, SpecialLiterals::kMaskAsId);
  const auto masks = [&] { return std::count(ids.begin(), ids.end(), tokenizer_.mask_id()); };
  const auto wanted = masks();
  if (wanted == 0) {
    request.error = "no <mask>; write <mask> where a word is to be guessed";
    return;
  }
  const auto length = static_cast<int64_t>(ids.size());
  const int64_t room = options_.max_sequence_length - 2;
  truncate_tokens(ids, room, Truncation::kHead);
  if (masks() < wanted) {
    request.error = "a <mask> stands behind the " + std::to_string(room) +
                    " tokens that the model has room for (" + std::to_string(length) +
                    " are given); shorten the text before it";
    return;
  }
  request.truncated = length > room;
  request.row.input_ids.push_back(kBosId);
  request.row.input_ids.insert(request.row.input_ids.end(), ids.begin(), ids.end());
  request.row.input_ids.push_back(kEosId);
  request.row.attention_mask.assign(request.row.input_ids.size(), 1);
}

}  // namespace linformer
