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

/// A text to be answered, or the reason why it cannot be.
struct TextRequest {
  std::string input;                     ///< file, "standard input", or "--text"
  uint64_t line = 0;                     ///< line of the input, from 1
  std::string text;                      ///< valid UTF-8
  std::optional<std::string> text_pair;  ///< the second text of a pair
  InputRow row;                          ///< empty if there is an error
  bool truncated = false;                ///< the text was longer than the model's n
  size_t repaired_utf8 = 0;              ///< malformed sequences, each replaced by U+FFFD
  std::string error;                     ///< why there is no row; "" if there is one

  /// "reviews.txt:7"
  std::string where() const { return input + ":" + std::to_string(line); }
};

/// The kind of answer that a line asks for.
enum class RequestKind {
  kFillMask,  ///< a text with <mask> in it; every <mask> becomes the mask's id
  kClassify,  ///< a text, or two separated by a TAB
};

struct RequestOptions {
  RequestKind kind = RequestKind::kClassify;
  /// Lines are JSON objects, {"text": "..."} or {"text": "...", "text_pair": "..."}.
  bool json_lines = false;
  std::string text_key = "text";
  std::string pair_key = "text_pair";
  int64_t max_sequence_length = 512;
  Truncation truncation = Truncation::kHead;  ///< for kClassify; prompts keep their head
  int64_t type_vocab_size = 0;                ///< from 2 on, second texts are segment 1
  size_t look_ahead = 512;                    ///< largest number of requests in one window
};

/// A table, and the columns of its texts.
struct RequestTable {
  std::string path;
  TableLayout layout;
};

/// Turns lines into rows of ids, a window of them at a time. Each line gives one request, even if
/// it is empty or not UTF-8, so that answers match the input line by line.
class TextRequests {
 public:
  /// Texts given one by one. The tokenizer has to outlive this object.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
               std::vector<std::string> texts);
  /// Lines of files; "-" is standard input.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options, LineStream lines);
  /// Rows of tables, read as for fine-tuning. Throws UsageError, before any row is read, if a
  /// table is missing or lacks the columns.
  TextRequests(const Tokenizer& tokenizer, const RequestOptions& options,
               std::vector<RequestTable> tables);

  /// The next requests in order. Waits for one, then takes those that are available already, up to
  /// options.look_ahead. Empty at the end.
  std::vector<TextRequest> next();

  /// Stored bytes of the inputs that were read so far, those of the last window included.
  uint64_t consumed_bytes() const;

  /// The request of one text, as if read from a line.
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
  uint64_t consumed_before_ = 0;  // of the tables before table_
  int64_t table_rows_ = 0;        // rows read from the table
  int64_t table_repaired_ = 0;    // places repaired in these rows
};

}  // namespace linformer
