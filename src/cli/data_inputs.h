#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "linformer/text/document_reader.h"
#include "linformer/text/sentence_splitter.h"

namespace CLI {
class App;
}

namespace linformer {

/// Leaves out files that operating systems left in a folder, and checks that every other input can
/// be read, standard input once. Returns their stored bytes, 0 if unknown.
uint64_t check_inputs(std::vector<std::string>& paths);

/// The options of subcommands that read text.
struct TextInputs {
  std::vector<std::string> paths;
  std::string layout = "auto";
  std::string line_ends = "break";
  std::string bad_lines = "refuse";

  void add_options(CLI::App& command);
  /// The options that say how text is read, without --input.
  void add_reading_options(CLI::App& command);
  /// Nothing for "auto".
  std::optional<TextLayout> parsed_layout() const;
  LineEnds parsed_line_ends() const;
  BadLines parsed_bad_lines() const;
  /// check_inputs() of `paths`.
  uint64_t check() { return check_inputs(paths); }
};

/// The layout of each input as JSON: [{"path": ..., "layout": ...}, ...].
nlohmann::ordered_json layouts_json(const std::vector<std::string>& paths,
                                    const std::vector<TextLayout>& layouts);
/// The same as rows of a table: one per file, or for many files one per layout.
std::vector<std::vector<std::string>> layout_rows(const nlohmann::ordered_json& layouts);

/// Logs how many lines of JSON gave no document, if any.
void warn_about_lines(uint64_t no_text, uint64_t bad_lines);

/// Logs how much of the text was not UTF-8, if any.
void warn_about_utf8(uint64_t invalid_sequences, uint64_t text_bytes);

}  // namespace linformer
