#include "data_inputs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "option_checks.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

constexpr size_t kMostListedFiles = 10;

}  // namespace

void TextInputs::add_options(CLI::App& command) {
  command
      .add_option("--input,input", paths,
                  "text files (.txt, .zst, .gz), or - for standard input; read in this order")
      ->required();
  add_reading_options(command);
}

void TextInputs::add_reading_options(CLI::App& command) {
  std::vector<std::string> layouts = layout_names();
  layouts.insert(layouts.begin(), "auto");
  command
      .add_option("--layout", layout,
                  "lines: a document per line; blank-lines: blank lines between documents; "
                  "json-lines: an object with \"text\" per line; wikitext: ' = Title = ' starts a "
                  "document; auto: guessed from each file's beginning")
      ->check(takes_one_of(layouts))
      ->capture_default_str();
  command
      .add_option("--line-ends", line_ends,
                  "inside a document a line end is a sentence's end (break) or a blank (join: text "
                  "wrapped at a fixed width)")
      ->check(takes_one_of({"break", "join"}))
      ->capture_default_str();
  command
      .add_option("--bad-lines", bad_lines,
                  "lines of JSON without a string \"text\": refuse, or skip (left out and counted)")
      ->check(takes_one_of({"refuse", "skip"}))
      ->capture_default_str();
}

std::optional<TextLayout> TextInputs::parsed_layout() const {
  if (layout == "auto") return std::nullopt;
  return layout_of(layout);
}

LineEnds TextInputs::parsed_line_ends() const {
  return line_ends == "join" ? LineEnds::kJoin : LineEnds::kBreak;
}

BadLines TextInputs::parsed_bad_lines() const {
  return bad_lines == "skip" ? BadLines::kSkip : BadLines::kRefuse;
}

uint64_t check_inputs(std::vector<std::string>& paths) {
  paths = without_system_files(std::move(paths));
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

nlohmann::ordered_json layouts_json(const std::vector<std::string>& paths,
                                    const std::vector<TextLayout>& layouts) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < layouts.size(); ++i) {
    list.push_back({{"path", input_name(paths.at(i))}, {"layout", layout_name(layouts[i])}});
  }
  return list;
}

std::vector<std::vector<std::string>> layout_rows(const nlohmann::ordered_json& layouts) {
  std::vector<std::vector<std::string>> rows;
  if (layouts.size() <= kMostListedFiles) {
    for (const auto& input : layouts) {
      rows.push_back({"layout of " + input["path"].get<std::string>(), input["layout"]});
    }
    return rows;
  }
  std::map<std::string, int64_t> counts;
  for (const auto& input : layouts) ++counts[input["layout"]];
  for (const auto& [layout, count] : counts) {
    rows.push_back({"files of layout " + layout, format_count(count)});
  }
  return rows;
}

void warn_about_lines(uint64_t no_text, uint64_t bad_lines) {
  if (no_text > 0) {
    log_warning(format_count(static_cast<int64_t>(no_text)) +
                " JSON objects have no text (null or NaN) and were left out");
  }
  if (bad_lines > 0) {
    log_warning(format_count(static_cast<int64_t>(bad_lines)) +
                " lines are not JSON objects with a string \"text\" and were left out");
  }
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
