#include "linformer/data/text_requests.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/utf8.h"
#include "linformer/text/json_repair.h"

namespace linformer {

namespace {

constexpr size_t kMostWindowBytes = size_t{16} << 20;

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

/// A string of a JSON object, or a description of what is wrong with it.
std::string take_text(const nlohmann::json& object, const std::string& key, TextRequest& request) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_string()) return found->get<std::string>();
  request.error = "\"" + key + "\" is " + (found == object.end() ? "missing" : "not text") +
                  "; write {\"text\": \"...\"}, a pair as {\"text\": \"...\", \"text_pair\": "
                  "\"...\"}";
  return "";
}

/// The text as valid UTF-8.
std::string repaired_text(const std::string& text, TextRequest& request) {
  std::string repaired;
  request.repaired_utf8 += append_repaired_utf8(text, repaired);
  return repaired;
}

/// Why the texts of a request cannot be answered; "" if they can.
std::string problem_of(const TextRequest& request) {
  std::string problem = text_problem(request.text);
  if (problem.empty() && request.text_pair) problem = text_problem(*request.text_pair);
  return problem.empty() ? "" : "a text " + problem;
}

std::unique_ptr<TableReader> open_table(const RequestTable& table) {
  TableOptions options = table.layout.table;
  if (table.layout.format_by_name) options.format = table_format_of(table.path);
  std::vector<WantedColumn> wanted{{table.layout.a}};
  if (table.layout.b) wanted.push_back({*table.layout.b});
  return std::make_unique<TableReader>(table.path, options, std::move(wanted));
}

constexpr int64_t kShortestRow = 8;  // of encode_texts_within()

}  // namespace

void TextRequests::split_json(const std::string& line, TextRequest& request) const {
  std::string repaired;
  request.repaired_utf8 += append_repaired_json(line, repaired);
  const auto [object, problem] = parse_json<nlohmann::json>(repaired);
  if (!object.is_object()) {
    request.error = "not a JSON object" + (problem.empty() ? "" : ": the line " + problem) +
                    "; write {\"text\": \"...\"}, or read the input as plain text";
    return;
  }
  request.text = take_text(object, options_.text_key, request);
  // Other programs write null if there is no second text.
  if (const auto pair = object.find(options_.pair_key); pair != object.end() && !pair->is_null()) {
    request.text_pair = take_text(object, options_.pair_key, request);
  }
}

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

TextRequests::TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
                           std::vector<RequestTable> tables)
    : tokenizer_(tokenizer), options_(options), tables_(std::move(tables)) {
  check_length();
  for (const RequestTable& table : tables_) open_table(table);
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

uint64_t TextRequests::consumed_bytes() const {
  if (lines_) return lines_->consumed_bytes();
  return consumed_before_ + (table_ ? table_->consumed_bytes() : 0);
}

std::optional<TextRequest> TextRequests::next_request() {
  if (!tables_.empty()) return next_row();
  return lines_ ? next_line() : next_text();
}

std::optional<TextRequest> TextRequests::next_text() {
  if (next_text_ == texts_.size()) return std::nullopt;
  TextRequest given = request(texts_[next_text_++]);
  given.input = "--text";
  given.line = next_text_;
  return given;
}

std::optional<TextRequest> TextRequests::next_row() {
  while (table_ || next_table_ < tables_.size()) {
    if (!table_) {
      table_ = open_table(tables_[next_table_++]);
      table_repaired_ = 0;
    }
    std::optional<TableRow> row = table_->next();
    if (!row) {
      if (table_rows_ == 0) log_warning(table_->path() + ": holds no row after its header");
      table_rows_ = 0;
      consumed_before_ += table_->consumed_bytes();
      table_.reset();
      continue;
    }
    ++table_rows_;
    TextRequest read;
    read.input = table_->path();
    read.line = static_cast<uint64_t>(row->line);
    // Counts repairs in rows of JSON. Those of other rows are found when their texts are taken.
    const int64_t repaired = table_->num_repaired();
    read.repaired_utf8 = static_cast<size_t>(repaired - std::exchange(table_repaired_, repaired));
    take_row(*row, tables_[next_table_ - 1].layout.b.has_value(), read);
    return read;
  }
  return std::nullopt;
}

void TextRequests::take_row(TableRow& row, bool pair, TextRequest& request) const {
  request.error = row.problem;
  if (!request.error.empty()) return;
  request.text = repaired_text(row.fields[0], request);
  if (pair) request.text_pair = repaired_text(row.fields[1], request);
  encode(request);
}

std::optional<TextRequest> TextRequests::next_line() {
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
  split(repaired_text(line, request), request);
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
  request.error = problem_of(request);
  if (!request.error.empty()) return;
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
