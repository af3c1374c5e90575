#include "linformer/data/text_extraction.h"

#include <cctype>
#include <optional>
#include <unordered_set>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

/// The end of the tag that begins at `begin`, where there is a '<'; `begin` if it is none, as in
/// "a < b" or "<3".
size_t end_of_tag(const std::string& text, size_t begin) {
  constexpr size_t kLongestTag = 500;
  size_t at = begin + 1;
  if (at < text.size() && text[at] == '/') ++at;
  if (at >= text.size() || std::isalpha(static_cast<unsigned char>(text[at])) == 0) return begin;
  const size_t end = text.find_first_of("<>", at);
  const bool closed = end != std::string::npos && text[end] == '>' && end - begin < kLongestTag;
  return closed ? end + 1 : begin;
}

bool is_blank(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value <= 0x20 || value == 0x7f;
}

void check_share(const TextExtraction& extraction, const ExtractedTexts& result, int64_t rows) {
  const auto bad = static_cast<double>(result.bad_rows);
  if (bad <= extraction.max_bad_share * static_cast<double>(rows)) return;
  fail_run(result.first_bad,
           "and " + format_count(result.bad_rows - 1) + " more of " + format_count(rows) +
               " rows cannot be read",
           "check the format (by the file's name: .csv, .jsonl, else TSV)");
}

}  // namespace

std::string text_on_one_line(const std::string& text, bool replace_tags) {
  std::string line;
  bool blank = false;
  for (size_t i = 0; i < text.size();) {
    const size_t tag = replace_tags && text[i] == '<' ? end_of_tag(text, i) : i;
    if (tag > i || is_blank(text[i])) {
      blank = true;
      i = tag > i ? tag : i + 1;
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
