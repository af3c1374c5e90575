#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/text/byte_source.h"
#include "linformer/text/newline.h"

namespace linformer {

/// How a text file is divided into documents.
enum class TextLayout {
  kLines,       ///< each line that is not blank is a document
  kBlankLines,  ///< blank lines separate documents
  kJsonLines,   ///< each line is a JSON object; its "text" is the document
  kWikitext,    ///< a line ` = Title = ` between blank lines starts a document
};

/// The names of all layouts.
std::vector<std::string> layout_names();
/// "lines", "blank-lines", "json-lines", "wikitext".
std::string_view layout_name(TextLayout layout);
/// The layout of this name; throws UsageError.
TextLayout layout_of(const std::string& name);

/// Guesses the layout from the beginning of a text. An opening brace means JSON lines, a WikiText
/// heading WikiText, an empty line blank lines, anything else a document per line.
TextLayout guess_layout(std::string_view beginning);

/// What to do with a line that is not a JSON object with a string "text".
enum class BadLines {
  kRefuse,  ///< an error that names the line
  kSkip,    ///< the line is left out and counted
};

/// A document as stored: neither parsed (JSON) nor checked for valid UTF-8. The worker threads do
/// that, so that the single reader stays fast.
struct RawDocument {
  std::string_view text;  ///< valid until the next call of next()
  uint64_t line = 0;      ///< its first line in the file, from 1
  /// This is a further part of a document that was too long; it continues the part before it.
  bool continues = false;
};

/// Splits a stream into lines. The beginning of the stream decides how lines end (newline_of()).
/// Memory is bounded by `max_line_bytes`.
class LineReader {
 public:
  LineReader(const std::string& path, size_t max_line_bytes, Quoting quoting = Quoting::kNone);

  /// The next line without its end. A line longer than the bound comes in several pieces, cut
  /// before a blank if there is one, else at the end of a sentence. ended() is then false for all
  /// pieces but the last. Throws RunError at a NUL byte: such a file is not text.
  std::optional<std::string_view> next();
  bool ended() const { return ended_; }
  /// The last character of the last line's end: LF, or CR if that stood alone.
  char end_character() const { return end_character_; }
  /// What is buffered at the start (up to 64 KiB), for guess_layout().
  std::string_view beginning();
  void limit_line_bytes(size_t max_line_bytes) { max_line_bytes_ = max_line_bytes; }
  uint64_t consumed_bytes() const { return source_->consumed_bytes(); }

 private:
  bool fill();
  std::string_view take(const LineAtFront& line);

  std::string path_;
  size_t max_line_bytes_;
  std::unique_ptr<ByteSource> source_;
  Newline newline_ = Newline::kLf;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t position_ = 0;  // of buffer_[end_] in the decompressed stream
  bool at_end_ = false;
  bool ended_ = true;
  char end_character_ = '\n';
};

/// The documents of one file, in order. Memory is bounded: a document longer than
/// `max_document_bytes` comes in several parts, cut between lines or words. Together the parts are
/// the document.
class DocumentReader {
 public:
  static constexpr size_t kMaxDocumentBytes = size_t{16} << 20;

  /// Without a layout, it is guessed from the file's beginning. Throws RunError if the file cannot
  /// be opened, or if the layout is to be guessed and the file begins like a JSON array.
  DocumentReader(const std::string& path, std::optional<TextLayout> layout,
                 size_t max_document_bytes = kMaxDocumentBytes);

  /// The next document, or nothing at the end; throws RunError if the file holds no text at all.
  std::optional<RawDocument> next();

  TextLayout layout() const { return layout_; }
  uint64_t consumed_bytes() const { return lines_.consumed_bytes(); }
  /// Number of cuts in documents that were too long.
  uint64_t cuts() const { return cuts_; }

 private:
  std::optional<RawDocument> next_line();
  std::optional<RawDocument> next_block();
  void keep_for_next(size_t position, uint64_t line);

  std::string path_;
  LineReader lines_;
  TextLayout layout_;
  size_t max_document_bytes_;
  std::string document_;
  std::string pending_;  // already read, but part of the next document
  uint64_t pending_line_ = 0;
  bool pending_continues_ = false;
  bool line_open_ = false;  // the last line came without its end
  uint64_t line_number_ = 0;
  uint64_t documents_ = 0;
  uint64_t cuts_ = 0;
};

/// Result of append_document_text().
enum class DocumentContent {
  kText,
  kNoText,   ///< a JSON object whose "text" is null (or NaN, as Python writes): no text
  kBadLine,  ///< not a JSON object with a string "text", if such lines are skipped
};

/// Appends the text of a stored document to `out`: the document itself, or the field "text" of a
/// JSON object. Malformed UTF-8, and halves of surrogate pairs in JSON's escapes, are replaced by
/// U+FFFD and counted in `num_invalid`. Throws RunError "FILE:LINE: ..." for a bad line that is to
/// be refused.
DocumentContent append_document_text(const RawDocument& document, TextLayout layout,
                                     const std::string& path, BadLines bad_lines, std::string& out,
                                     uint64_t& num_invalid);

}  // namespace linformer
