// linformer-report expected: what a configuration is expected to reach, from its runs.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "program.h"
#include "report_commands.h"
#include "table_output.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/format.h"
#include "linformer/report/expected_band.h"
#include "linformer/report/run_folder.h"

namespace linformer {
namespace {

struct ExpectedArguments {
  std::vector<std::string> runs;
  std::string output;
};

void run_expected(const ExpectedArguments& arguments) {
  std::vector<RunFolder> runs;
  for (const std::string& folder : arguments.runs) runs.push_back(read_run_folder(folder));
  const std::filesystem::path output(arguments.output);
  const ExpectedCurve curve = expected_curve(runs, output.stem().string());
  make_parent_directory(arguments.output);
  write_file_atomically(arguments.output, to_yaml(curve));
  std::vector<std::vector<std::string>> rows{{"step", "tokens", "training loss", "deviation",
                                              "held-out loss", "deviation", "perplexity",
                                              "expected from", "to"}};
  for (const ExpectedPoint& point : curve.points) {
    const ExpectedRange &train = point.train_loss, &valid = point.valid_loss;
    rows.push_back({format_count(point.step), format_count(point.tokens), format_number(train.mean),
                    format_number(train.stddev, 2), format_number(valid.mean),
                    format_number(valid.stddev, 2), format_number(std::exp(valid.mean)),
                    format_number(std::exp(valid.low)), format_number(std::exp(valid.high))});
  }
  std::printf("%s%s\n", shown_table(rows).c_str(), arguments.output.c_str());
}

}  // namespace

void add_expected_command(CLI::App& program) {
  auto arguments = std::make_shared<ExpectedArguments>();
  CLI::App* command = program.add_subcommand(
      "expected",
      "the band in which runs of a configuration are expected, from runs of three or "
      "more seeds, for linformer-train --expect");
  command
      ->add_option("RUN", arguments->runs,
                   "runs that differ in their seed alone, finished or stopped")
      ->required();
  command
      ->add_option("--output", arguments->output, "file to write, e.g. configs/expected/NAME.yaml")
      ->required();
  add_markdown_option(*command);
  add_examples(*command, {"linformer-report expected runs/sample-1 runs/sample-2 runs/sample-3 "
                          "--output configs/expected/sample.yaml"});
  command->callback([arguments] { run_expected(*arguments); });
}

}  // namespace linformer
