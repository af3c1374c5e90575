#include "data_inputs.h"

#include <algorithm>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"

namespace linformer {

void TextInputs::add_options(CLI::App& command) {
  command
      .add_option("--input,input", paths,
                  "text files (.txt, .zst, .gz), or - for standard input; read in this order")
      ->required();
  command
      .add_option("--layout", layout,
                  "lines: a document per line; blank-lines: blank lines between documents; "
                  "json-lines: an object with \"text\" per line; wikitext: ' = Title = ' starts a "
                  "document; auto: guessed from each file's beginning")
      ->capture_default_str();
  command
      .add_option("--line-ends", line_ends,
                  "inside a document a line end is a sentence's end (break) or a blank (join: text "
                  "wrapped at a fixed width)")
      ->check(CLI::IsMember({"break", "join"}))
      ->capture_default_str();
}

std::optional<TextLayout> TextInputs::parsed_layout() const {
  if (layout == "auto") return std::nullopt;
  return layout_of(layout);
}

LineEnds TextInputs::parsed_line_ends() const {
  return line_ends == "join" ? LineEnds::kJoin : LineEnds::kBreak;
}

uint64_t TextInputs::check() const {
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    fail_usage("--input", "standard input can be read only once", "name - once");
  }
  uint64_t total = 0;
  bool known = true;
  for (const std::string& path : paths) {
    const uint64_t bytes = check_input(path);
    known = known && bytes > 0;
    total += bytes;
  }
  return known ? total : 0;
}

void make_parent_directory(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) make_directories(parent.string());
}

void warn_about_utf8(uint64_t invalid_sequences, uint64_t text_bytes) {
  if (invalid_sequences == 0) return;
  const double share = static_cast<double>(invalid_sequences) /
                       static_cast<double>(std::max<uint64_t>(text_bytes, 1));
  std::string message = format_count(static_cast<int64_t>(invalid_sequences)) +
                        " byte sequences were not UTF-8 and became U+FFFD";
  if (share > 0.001) message += "; is the text in another encoding? (convert it with iconv)";
  log_warning(message);
}

}  // namespace linformer
