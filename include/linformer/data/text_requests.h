#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/data/input_rows.h"
#include "linformer/data/task_registry.h"
#include "linformer/text/line_stream.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// One text to answer, or why it cannot be answered.
struct TextRequest {
  std::string input;                     ///< file, "standard input", or "--text"
  uint64_t line = 0;                     ///< in it, from 1
  std::string text;                      ///< valid UTF-8
  std::optional<std::string> text_pair;  ///< the second text of a pair
  InputRow row;                          ///< no ids where there is an error
  bool truncated = false;                ///< was longer than the model's n
  size_t repaired_utf8 = 0;              ///< malformed sequences, each replaced by U+FFFD
  std::string error;                     ///< why there is no row; empty if there is one

  /// "reviews.txt:7"
  std::string where() const { return input + ":" + std::to_string(line); }
};

/// What a line asks for.
enum class RequestKind {
  kFillMask,  ///< a text with <mask> in it, which becomes the mask's id wherever it stands
  kClassify,  ///< a text, or two with a TAB between them
};

struct RequestOptions {
  RequestKind kind = RequestKind::kClassify;
  /// Lines are JSON objects, {"text": "..."} or {"text": "...", "text_pair": "..."}.
  bool json_lines = false;
  std::string text_key = "text";
  std::string pair_key = "text_pair";
  int64_t max_sequence_length = 512;
  Truncation truncation = Truncation::kHead;  ///< of kClassify; prompts keep their head
  int64_t type_vocab_size = 0;                ///< from 2 on second texts are segment 1
  size_t look_ahead = 512;                    ///< requests in one window at most
};

/// A table, and which of its columns are the texts.
struct RequestTable {
  std::string path;
  TableLayout layout;
};

/// Turns lines into rows of ids, a window of them at a time. Each line gives one request, also an
/// empty one and one that is no UTF-8, so that answers can stand line by line beside the input.
class TextRequests {
 public:
  /// Texts given one by one. The tokenizer has to outlive this.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
               std::vector<std::string> texts);
  /// Lines of files; "-" is standard input.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options, LineStream lines);
  /// Rows of tables, read as for fine-tuning. Throws RunError, before any row is read, if one of
  /// them is missing or has not the columns.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
               std::vector<RequestTable> tables);

  /// The next requests, in order: waits for one, then takes those that are there already, up to
  /// options.look_ahead. Empty at the end.
  std::vector<TextRequest> next();

  /// One text as it would be read from a line.
  TextRequest request(const std::string& line) const;

 private:
  std::optional<TextRequest> next_request();
  std::optional<TextRequest> next_text();
  std::optional<TextRequest> next_line();
  std::optional<TextRequest> next_row();
  void take_row(TableRow& row, bool pair, TextRequest& request) const;
  void split(const std::string& line, TextRequest& request) const;
  void split_json(const std::string& line, TextRequest& request) const;
  void check_length() const;
  void encode(TextRequest& request) const;
  void encode_prompt(TextRequest& request) const;

  const Tokenizer& tokenizer_;
  RequestOptions options_;
  std::vector<std::string> texts_;
  size_t next_text_ = 0;
  std::optional<LineStream> lines_;
  std::vector<RequestTable> tables_;
  size_t next_table_ = 0;
  std::unique_ptr<TableReader> table_;
  int64_t table_rows_ = 0;      // read of it
  int64_t table_repaired_ = 0;  // places repaired in these
};

}  // namespace linformer
