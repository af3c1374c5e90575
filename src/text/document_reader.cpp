#include "linformer/text/document_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/utf8.h"
#include "linformer/text/json_repair.h"

namespace linformer {

namespace {

constexpr std::array<std::string_view, 4> kLayoutNames{"lines", "blank-lines", "json-lines",
                                                       "wikitext"};
constexpr size_t kReadBytes = size_t{1} << 18;
// A JSON document cannot be cut in two, so its line may be longer than a document.
constexpr size_t kMaxJsonLineBytes = size_t{256} << 20;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\v\f") == line.npos;
}

/// ` = Title = `, but not ` = = Section = = `.
bool is_wikitext_title(std::string_view line) {
  const size_t first = line.find_first_not_of(' ');
  const size_t last = line.find_last_not_of(' ');
  if (first == line.npos || last < first + 4) return false;
  line = line.substr(first, last - first + 1);
  return line.starts_with("= ") && line.ends_with(" =") && line[2] != '=' &&
         line[line.size() - 3] != '=';
}

/// `[{"...`, or `["...",`: written by programs that do not know JSON lines.
bool begins_like_json_array(std::string_view text) {
  const auto next = [&](size_t from) {
    return std::min(text.find_first_not_of(" \t\r\n", from), text.size());
  };
  const size_t bracket = next(0);
  if (bracket == text.size() || text[bracket] != '[') return false;
  const size_t first = next(bracket + 1);
  if (first == text.size()) return false;
  if (text[first] == '{') return next(first + 1) < text.size() && text[next(first + 1)] == '"';
  if (text[first] != '"') return false;
  size_t end = first + 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  const size_t behind = end < text.size() ? next(end + 1) : text.size();
  return behind < text.size() && (text[behind] == ',' || text[behind] == ']');
}

std::string name_at(const std::string& path, uint64_t line) {
  return input_name(path) + ":" + std::to_string(line);
}

}  // namespace

std::string_view layout_name(TextLayout layout) {
  return kLayoutNames[static_cast<size_t>(layout)];
}

std::vector<std::string> layout_names() {
  return {kLayoutNames.begin(), kLayoutNames.end()};
}

TextLayout layout_of(const std::string& name) {
  for (size_t i = 0; i < kLayoutNames.size(); ++i) {
    if (kLayoutNames[i] == name) return static_cast<TextLayout>(i);
  }
  fail_usage("--layout", "unknown layout '" + name + "'",
             "choose lines, blank-lines, json-lines, wikitext or auto");
}

TextLayout guess_layout(std::string_view beginning) {
  const size_t first = beginning.find_first_not_of(" \t\r\n");
  if (first != beginning.npos && beginning[first] == '{') return TextLayout::kJsonLines;
  bool blank_line = false;
  bool after_blank = true;
  bool title = false;  // the line before, between a blank line and this one
  const Newline newline = newline_of(beginning);
  while (true) {
    size_t searched = 0;
    const std::optional<LineAtFront> found = line_at_front(beginning, newline, false, searched);
    if (!found) break;  // an incomplete line does not count
    const std::string_view line = beginning.substr(0, found->length);
    const bool blank = is_blank(line);
    if (title && blank) return TextLayout::kWikitext;
    title = after_blank && is_wikitext_title(line);
    after_blank = blank;
    blank_line = blank_line || blank;
    beginning.remove_prefix(found->next);
  }
  return blank_line ? TextLayout::kBlankLines : TextLayout::kLines;
}

LineReader::LineReader(const std::string& path, size_t max_line_bytes, Quoting quoting)
    : path_(path), max_line_bytes_(max_line_bytes), source_(open_byte_source(path)) {
  buffer_.resize(2 * kReadBytes);
  if (beginning().starts_with(kByteOrderMark)) begin_ += kByteOrderMark.size();
  newline_ = newline_of(beginning(), quoting);
}

std::string_view LineReader::beginning() {
  while (end_ < kNewlineSample && fill()) {
  }
  return {buffer_.data() + begin_, std::min(end_ - begin_, kNewlineSample)};
}

/// Reads more. Makes room by moving the rest to the front, and by growing if that is not enough.
/// False at the end of the stream.
bool LineReader::fill() {
  if (at_end_) return false;
  if (begin_ > 0 && buffer_.size() - end_ < kReadBytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kReadBytes) buffer_.resize(buffer_.size() * 2);
  const size_t count = source_->read(buffer_.data() + end_, kReadBytes);
  if (count == 0) {
    at_end_ = true;
    return false;
  }
  const char* nul = static_cast<const char*>(std::memchr(buffer_.data() + end_, '\0', count));
  if (nul) {
    const uint64_t offset = position_ + static_cast<uint64_t>(nul - (buffer_.data() + end_));
    fail_run(input_name(path_),
             "byte " + format_count(static_cast<int64_t>(offset)) +
                 " is NUL, so this is a binary file or not UTF-8 text",
             "name text files only; convert UTF-16 with: iconv -f UTF-16 -t UTF-8");
  }
  end_ += count;
  position_ += count;
  return true;
}

std::string_view LineReader::take(const LineAtFront& line) {
  const char* const front = buffer_.data() + begin_;
  begin_ += line.next;
  return {front, line.length};
}

std::optional<std::string_view> LineReader::next() {
  size_t searched = 0;
  while (true) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const std::optional<LineAtFront> line = line_at_front(rest, newline_, at_end_, searched);
    const size_t length = line ? line->length : searched;
    if (length > max_line_bytes_) {
      ended_ = false;
      const size_t piece = length_of_piece(rest.substr(0, length), max_line_bytes_);
      return take({piece, piece});
    }
    if (line) {
      ended_ = true;
      end_character_ = rest[line->next - 1] == '\r' ? '\r' : '\n';
      return take(*line);
    }
    if (!fill() && rest.empty()) return std::nullopt;
  }
}

DocumentReader::DocumentReader(const std::string& path, std::optional<TextLayout> layout,
                               size_t max_document_bytes)
    : path_(path),
      lines_(path, kMaxJsonLineBytes),
      layout_(layout ? *layout : guess_layout(lines_.beginning())),
      max_document_bytes_(max_document_bytes) {
  if (!layout && begins_like_json_array(lines_.beginning())) {
    fail_run(input_name(path), "begins like a JSON array, which is neither text nor JSON lines",
             "write one object a line (jq -c '.[]' FILE), or name the --layout if it is text");
  }
  if (layout_ != TextLayout::kJsonLines) lines_.limit_line_bytes(max_document_bytes);
}

std::optional<RawDocument> DocumentReader::next() {
  const bool by_line = layout_ == TextLayout::kLines || layout_ == TextLayout::kJsonLines;
  const std::optional<RawDocument> document = by_line ? next_line() : next_block();
  if (document) {
    ++documents_;
  } else if (documents_ == 0) {
    fail_run(input_name(path_), "the file holds no text, only blank lines", "leave it out");
  }
  return document;
}

std::optional<RawDocument> DocumentReader::next_line() {
  while (const auto line = lines_.next()) {
    const uint64_t number = line_number_ + 1;
    const bool continues = std::exchange(line_open_, !lines_.ended());
    if (lines_.ended()) {
      line_number_ = number;
    } else if (layout_ == TextLayout::kJsonLines) {
      fail_run(name_at(path_, number),
               "the line is longer than " + format_bytes(static_cast<double>(kMaxJsonLineBytes)),
               "a document per line is expected; split this one");
    } else {
      ++cuts_;
    }
    if (!is_blank(*line)) return RawDocument{*line, number, continues};
  }
  return std::nullopt;
}

std::optional<RawDocument> DocumentReader::next_block() {
  document_ = std::exchange(pending_, {});
  const bool continues = std::exchange(pending_continues_, false);
  uint64_t first_line = document_.empty() ? line_number_ + 1 : pending_line_;
  bool after_blank = false;
  size_t title = 0;  // where a possible title begins in document_; 0 = nowhere
  while (const auto line = lines_.next()) {
    const bool goes_on = std::exchange(line_open_, !lines_.ended());
    if (lines_.ended()) ++line_number_;
    if (is_blank(*line) && !goes_on) {
      if (document_.empty()) first_line = line_number_ + 1;
      if (layout_ == TextLayout::kBlankLines && !document_.empty()) break;
      // In WikiText a title stands between blank lines; tables have lines that only look like one.
      if (title > 0) {
        keep_for_next(title, line_number_ - 1);
        break;
      }
      after_blank = true;
      title = 0;
      continue;
    }
    title = 0;
    const std::string_view line_end = document_.empty() || goes_on ? "" : "\n";
    if (!document_.empty() &&
        document_.size() + line_end.size() + line->size() > max_document_bytes_) {
      ++cuts_;
      pending_ = std::string(line_end) + std::string(*line);
      pending_line_ = line_number_;
      pending_continues_ = true;
      break;
    }
    document_ += line_end;
    if (layout_ == TextLayout::kWikitext && after_blank && is_wikitext_title(*line)) {
      title = document_.size();
    }
    document_ += *line;
    after_blank = false;
  }
  if (document_.empty()) return std::nullopt;
  return RawDocument{document_, first_line, continues};
}

/// The text from `position` of document_ on (after a line end) belongs to the next document.
void DocumentReader::keep_for_next(size_t position, uint64_t line) {
  pending_ = document_.substr(position);
  pending_line_ = line;
  document_.resize(position - 1);
}

DocumentContent append_document_text(const RawDocument& document, TextLayout layout,
                                     const std::string& path, BadLines bad_lines, std::string& out,
                                     uint64_t& num_invalid) {
  if (layout != TextLayout::kJsonLines) {
    num_invalid += append_repaired_utf8(document.text, out);
    return DocumentContent::kText;
  }
  // Malformed bytes are replaced first, since the parser would refuse the whole line for them.
  std::string line;
  const size_t num_replaced = append_repaired_json(document.text, line);
  const auto [json, problem] = parse_json<nlohmann::json>(line);
  const auto text = json.is_object() ? json.find("text") : json.end();
  if (json.is_object() && text != json.end() && text->is_string()) {
    num_invalid += num_replaced;
    out += text->get_ref<const std::string&>();
    return DocumentContent::kText;
  }
  if (json.is_object() && text != json.end() && text->is_null()) return DocumentContent::kNoText;
  if (bad_lines == BadLines::kSkip) return DocumentContent::kBadLine;
  if (!json.is_object()) {
    fail_run(name_at(path, document.line),
             problem.empty()
                 ? std::string("the line is not a JSON object but a JSON ") + json.type_name()
                 : "the line is not a JSON object: it " + problem,
             "write one object per line, {\"text\": \"...\"}, choose another --layout, or leave "
             "such lines out with --bad-lines skip");
  }
  fail_run(name_at(path, document.line), "the object has no string named \"text\"",
           "put the document into \"text\", or leave such lines out with --bad-lines skip");
}

}  // namespace linformer
