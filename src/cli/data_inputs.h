#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linformer/text/document_reader.h"
#include "linformer/text/sentence_splitter.h"

namespace CLI {
class App;
}

namespace linformer {

/// The options of subcommands that read text.
struct TextInputs {
  std::vector<std::string> paths;
  std::string layout = "auto";
  std::string line_ends = "break";

  void add_options(CLI::App& command);
  /// Nothing for "auto".
  std::optional<TextLayout> parsed_layout() const;
  LineEnds parsed_line_ends() const;
  /// Checks that every input can be read; returns their stored bytes, 0 if that is not known.
  uint64_t check() const;
};

/// Makes the folder that `path` will be in.
void make_parent_directory(const std::string& path);

/// Says on the log how much of the text was not UTF-8, if any.
void warn_about_utf8(uint64_t invalid_sequences, uint64_t text_bytes);

}  // namespace linformer
