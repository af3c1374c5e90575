#include "linformer/data/text_extraction.h"

#include <cctype>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/stop_signal.h"
#include "linformer/core/utf8.h"

namespace linformer {
namespace {

bool is_blank(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value <= 0x20 || value == 0x7f;
}

/// Bytes of the white space at the front of `text`, 0 if there is none. Characters without width
/// and the byte-order mark count as well: a text of nothing else is empty.
size_t length_of_blank(std::string_view text) {
  if (is_blank(text.front())) return 1;
  const size_t length = utf8_character_length(text);
  if (length < 2) return 0;
  const uint32_t point = utf8_code_point(text);
  const bool blank = point == 0x85 || point == 0xa0 || point == 0x1680 ||
                     (point >= 0x2000 && point <= 0x200b) || point == 0x2028 || point == 0x2029 ||
                     point == 0x202f || point == 0x205f || point == 0x3000 || point == 0xfeff;
  return blank ? length : 0;
}

bool is_html_element(const std::string& name) {
  static const std::unordered_set<std::string> kNames{
      "a",     "abbr",   "b",      "big", "blockquote", "body",   "br",    "center", "cite",
      "code",  "dd",     "del",    "div", "dl",         "dt",     "em",    "embed",  "font",
      "form",  "h1",     "h2",     "h3",  "h4",         "h5",     "h6",    "head",   "hr",
      "html",  "i",      "iframe", "img", "input",      "ins",    "li",    "link",   "meta",
      "ol",    "p",      "pre",    "q",   "s",          "script", "small", "span",   "strike",
      "style", "strong", "sub",    "sup", "table",      "tbody",  "td",    "th",     "thead",
      "title", "tr",     "tt",     "u",   "ul"};
  return kNames.count(name) > 0;
}

/// The end of the tag that begins at `begin`, where there is a '<'; `begin` if it is none, as in
/// "a < b", "<3" or "<sighs>". Behind the name of the element come attributes, if anything.
size_t end_of_tag(const std::string& text, size_t begin) {
  constexpr size_t kLongestTag = 500;
  size_t at = begin + 1;
  if (at < text.size() && text[at] == '/') ++at;
  std::string name;
  for (; at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0; ++at) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
  }
  if (!is_html_element(name)) return begin;
  const size_t end = text.find_first_of("<>", at);
  if (end == std::string::npos || text[end] == '<' || end - begin > kLongestTag) return begin;
  std::string rest = text.substr(at, end - at);
  const bool is_separated = rest.empty() || is_blank(rest.front()) || rest.front() == '/';
  while (!rest.empty() && (is_blank(rest.back()) || rest.back() == '/')) rest.pop_back();
  const bool has_attributes = rest.find('=') != std::string::npos;
  return is_separated && (rest.empty() || has_attributes) ? end + 1 : begin;
}

void check_share(const TextExtraction& extraction, const ExtractedTexts& result, int64_t rows) {
  const auto bad = static_cast<double>(result.bad_rows);
  if (bad <= extraction.max_bad_share * static_cast<double>(rows)) return;
  fail_run(result.first_bad,
           "and " + format_count(result.bad_rows - 1) + " more of " + format_count(rows) +
               " rows cannot be read",
           "check the format (by the file's name: .csv, .jsonl, else TSV), or allow a larger share "
           "with --max-bad-share");
}

}  // namespace

std::string text_on_one_line(const std::string& text, bool replace_tags) {
  std::string line;
  bool blank = false;
  for (size_t i = 0; i < text.size();) {
    const size_t tag = replace_tags && text[i] == '<' ? end_of_tag(text, i) : i;
    const size_t end = tag > i ? tag : i + length_of_blank(std::string_view(text).substr(i));
    if (end > i) {
      blank = true;
      i = end;
      continue;
    }
    if (blank && !line.empty()) line += ' ';
    blank = false;
    line += text[i++];
  }
  return line;
}

ExtractedTexts extract_texts(const TextExtraction& extraction, const ExtractionProgress& progress) {
  AtomicFile output(extraction.output);
  std::optional<AtomicFile> held_out;
  if (!extraction.held_out.empty()) held_out.emplace(extraction.held_out);
  std::unordered_set<uint64_t> seen;
  ExtractedTexts result;
  int64_t rows = 0;
  uint64_t bytes_before = 0;
  uint64_t text_bytes = 0;
  for (const std::string& path : extraction.inputs) {
    TableReader reader(path, {.format = table_format_of(path), .header = extraction.header},
                       {{extraction.column}});
    while (const std::optional<TableRow> row = reader.next()) {
      if (stop_signal() != 0) throw StopError(extraction.output);
      ++rows;
      if (progress) progress(bytes_before + reader.consumed_bytes(), text_bytes);
      if (!row->problem.empty()) {
        if (result.bad_rows++ == 0)
          result.first_bad = reader.where(row->line) + ": " + row->problem;
        continue;
      }
      const std::string text = text_on_one_line(row->fields.front(), extraction.replace_tags);
      text_bytes += text.size();
      if (text.empty()) {
        ++result.empty;
        continue;
      }
      if (!extraction.keep_repeats && !seen.insert(xxh3(text)).second) {
        ++result.repeats;
        continue;
      }
      const int64_t number = result.texts + result.held_out + 1;
      const bool held = held_out && number % extraction.held_out_every == 0;
      ++(held ? result.held_out : result.texts);
      constexpr size_t kBeginning = size_t{1} << 16;
      if (!held && result.beginning.size() < kBeginning) result.beginning += text + "\n";
      (held ? *held_out : output).write(text + "\n");
    }
    bytes_before += reader.consumed_bytes();
  }
  check_share(extraction, result, rows);
  if (result.texts == 0) {
    fail_run(extraction.inputs.front(), "has no text in this column", "check the column");
  }
  if (held_out) held_out->commit();
  output.commit();
  return result;
}

}  // namespace linformer
