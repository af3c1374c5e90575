// linformer-data extract: the texts of tables as plain text.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "data_inputs.h"
#include "data_progress.h"
#include "option_checks.h"
#include "program.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/text_extraction.h"
#include "linformer/text/document_reader.h"

namespace linformer {
namespace {

struct ExtractArguments {
  TextExtraction extraction;
  std::string column = "text";
  bool no_header = false;
  int64_t held_out_every = 100;
  bool json = false;
};

Column column_of(const ExtractArguments& arguments) {
  if (!arguments.no_header) {
    if (arguments.column.empty()) {
      fail_usage("--text-column", "is empty", "give the name of the column with the text");
    }
    return {arguments.column};
  }
  for (const std::string& path : arguments.extraction.inputs) {
    if (table_format_of(path) == TableFormat::kJsonLines) {
      fail_usage("--no-header", "does not go with JSON lines (" + path + "), which have keys",
                 "leave it out");
    }
  }
  int64_t index = -1;
  try {
    size_t end = 0;
    index = std::stoll(arguments.column, &end);
    if (end != arguments.column.size()) index = -1;
  } catch (const std::logic_error&) {
    index = -1;
  }
  if (index < 0) {
    fail_usage("--text-column",
               "is " + arguments.column + ", and without a header columns are numbers",
               "give the column's number, counted from 0");
  }
  return Column::at(index);
}

/// Refuses files that would overwrite each other, however they are spelled.
void check_outputs(const TextExtraction& extraction) {
  const auto place = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(path, ignored);
  };
  if (extraction.output.empty()) fail_usage("--output", "is empty", "name the file to write");
  for (const char* const ending : {".zst", ".gz"}) {
    if (extraction.output.ends_with(ending) || extraction.held_out.ends_with(ending)) {
      fail_usage("--output", std::string("ends with ") + ending + ", but plain text is written",
                 "leave out the ending; prepare reads the text as it is");
    }
  }
  if (!extraction.held_out.empty() && place(extraction.output) == place(extraction.held_out)) {
    fail_usage("--held-out", "is the same file as --output", "give it another name");
  }
  for (const std::string& path : extraction.inputs) {
    for (const std::string* const output : {&extraction.output, &extraction.held_out}) {
      if (!output->empty() && path != "-" && place(path) == place(*output)) {
        fail_usage(*output, "is also an input", "write to another file");
      }
    }
  }
}

void run_extract(const ExtractArguments& arguments) {
  TextExtraction extraction = arguments.extraction;
  const uint64_t stored_bytes = check_inputs(extraction.inputs);
  extraction.column = column_of(arguments);
  extraction.header = !arguments.no_header;
  extraction.held_out_every = arguments.held_out_every;
  check_outputs(extraction);
  make_parent_directory(extraction.output);
  if (!extraction.held_out.empty()) make_parent_directory(extraction.held_out);
  defer_stop_signals();
  ExtractedTexts result;
  {
    DataProgress progress("extract", stored_bytes);
    result = extract_texts(
        extraction, [&](uint64_t consumed, uint64_t text) { progress.update(consumed, text); });
  }
  if (guess_layout(result.beginning) != TextLayout::kLines) {
    log_warning(extraction.output + " begins like another layout; read it with --layout lines");
  }
  if (result.bad_rows > 0) {
    log_warning(format_count(result.bad_rows) +
                " rows cannot be read and were left out; the first: " + result.first_bad);
  }
  if (arguments.json) {
    const nlohmann::ordered_json json{{"output", extraction.output},
                                      {"texts", result.texts},
                                      {"held_out_file", extraction.held_out},
                                      {"held_out", result.held_out},
                                      {"repeats", result.repeats},
                                      {"empty", result.empty},
                                      {"bad_rows", result.bad_rows}};
    std::printf("%s\n", json_text(json, 2).c_str());
    return;
  }
  std::printf("%s: %s texts\n", extraction.output.c_str(), format_count(result.texts).c_str());
  if (!extraction.held_out.empty()) {
    std::printf("%s: %s texts, held out\n", extraction.held_out.c_str(),
                format_count(result.held_out).c_str());
  }
  if (result.repeats > 0)
    std::printf("left out: %s repeats\n", format_count(result.repeats).c_str());
  if (result.empty > 0)
    std::printf("left out: %s empty texts\n", format_count(result.empty).c_str());
}

}  // namespace

void add_extract_command(CLI::App& program) {
  auto arguments = std::make_shared<ExtractArguments>();
  CLI::App* command = program.add_subcommand(
      "extract", "the texts of tables (TSV, CSV, JSON lines) as plain text, one per line");
  command
      ->add_option("--input,input", arguments->extraction.inputs,
                   "tables (.csv, .jsonl, else TSV; also .zst, .gz), or - for TSV from standard "
                   "input; read in this order")
      ->required();
  command
      ->add_option("--text-column", arguments->column,
                   "column with the text; with --no-header its number, from 0")
      ->capture_default_str();
  command->add_flag("--no-header", arguments->no_header, "the first row has values, not names");
  command
      ->add_option("--output", arguments->extraction.output, "file to write, one document per line")
      ->required();
  CLI::Option* held_out = command->add_option("--held-out", arguments->extraction.held_out,
                                              "file for texts that are held out of training");
  command->add_option("--held-out-every", arguments->held_out_every, "every n-th text is held out")
      ->needs(held_out)
      ->check(takes_at_least(2))
      ->capture_default_str();
  command->add_flag("--replace-tags", arguments->extraction.replace_tags,
                    "tags of HTML's elements, such as <br />, become blanks");
  command
      ->add_option("--max-bad-share", arguments->extraction.max_bad_share,
                   "largest share of rows that cannot be read; they are left out and counted")
      ->check(takes_between(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--keep-repeats", arguments->extraction.keep_repeats,
                    "keep equal texts; otherwise the first one is kept, so that no held-out text "
                    "is trained on");
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_examples(
      *command,
      {"linformer-data extract --input reviews.csv --text-column review --output train.txt \\",
       "    --held-out valid.txt",
       "linformer-data extract --input posts.jsonl.zst --replace-tags --output posts.txt"});
  command->callback([arguments] { run_extract(*arguments); });
}

}  // namespace linformer
