// linformer-report list, run and compare: runs as tables and pages.
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "program.h"
#include "report_commands.h"
#include "table_output.h"

#include "linformer/config/expected_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/metrics/percent.h"
#include "linformer/report/expected_band.h"
#include "linformer/report/plot.h"
#include "linformer/report/run_comparison.h"
#include "linformer/report/run_folder.h"
#include "linformer/report/run_page.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNothing = "-";

struct ListArguments {
  std::vector<std::string> folders{"runs"};
  bool json = false;
};

struct RunArguments {
  std::vector<std::string> runs;
  std::string expect;
  std::string command;
};

struct CompareArguments {
  std::vector<std::string> runs;
  std::string output = "compare.html";
  bool no_page = false;
  bool json = false;
  std::string command;
};

Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json to_json(const RunFolder& run) {
  Json json{{"run", run.path},
            {"kind", run.kind == RunKind::kPretraining ? "pretraining" : "finetuning"},
            {"state", name_of(run.status)},
            {"reason", run.reason},
            {"step", run.step},
            {"total_steps", run.total_steps ? Json(*run.total_steps) : Json(nullptr)},
            {"tokens", run.tokens},
            {"loss", number(run.loss)},
            {"best", nullptr},
            {"device", run.device},
            {"precision", run.precision},
            {"training_seconds", run.seconds},
            {"age_seconds", run.age_seconds}};
  if (run.best) {
    json["best"] = {{"name", run.best->name}, {"value", run.best->value}, {"step", run.best->step}};
  }
  return json;
}

/// "perplexity 10.34" for "valid_perplexity"
std::string best_text(const RunFolder& run) {
  if (!run.best) return kNothing;
  const size_t prefix = run.best->name.find('_');
  return run.best->name.substr(prefix == std::string::npos ? 0 : prefix + 1) + " " +
         figure_text(run.best->name, run.best->value);
}

std::vector<std::string> row_of(const RunFolder& run) {
  const bool has_loss = run.loss && std::isfinite(*run.loss);
  return {run.path,
          name_of(run.status),
          format_count(run.step),
          run.total_steps ? format_count(*run.total_steps) : kNothing,
          has_loss ? format_number(*run.loss) : kNothing,
          best_text(run),
          run.device + " " + run.precision,
          format_duration(run.age_seconds)};
}

void run_list(const ListArguments& arguments) {
  std::vector<RunFolder> runs;
  for (const std::string& folder : arguments.folders) {
    for (const std::string& path : find_run_folders(folder)) runs.push_back(read_run_folder(path));
  }
  if (arguments.json) {
    Json list = Json::array();
    for (const RunFolder& run : runs) list.push_back(to_json(run));
    std::printf("%s\n", json_text(list, 2).c_str());
    return;
  }
  if (runs.empty()) {
    std::printf("no runs below");
    for (const std::string& folder : arguments.folders) std::printf(" %s", folder.c_str());
    std::printf("\n");
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"run", "state", "step", "of", "loss", "best", "device", "last written"}};
  for (const RunFolder& run : runs) rows.push_back(row_of(run));
  std::printf("%s", shown_table(rows).c_str());
  for (const RunFolder& run : runs) {
    if (run.reason.empty()) continue;
    const std::string reason = run.reason.substr(0, run.reason.find('\n'));
    std::printf("%s %s: %s\n", run.path.c_str(), name_of(run.status).c_str(), reason.c_str());
  }
}

void run_pages(const RunArguments& arguments) {
  require_plotter();
  std::optional<ExpectedCurve> expected;
  if (!arguments.expect.empty()) expected = read_expected_file(arguments.expect);
  for (const std::string& folder : arguments.runs) {
    const RunFolder run = read_run_folder(folder);
    write_file_atomically(run_page_path(folder), run_page(run, expected, arguments.command));
    std::printf("%s\n", run_page_path(folder).c_str());
  }
}

void run_compare(const CompareArguments& arguments) {
  if (arguments.runs.size() > num_plot_colors()) {
    fail_usage("RUN",
               std::to_string(arguments.runs.size()) + " runs, a page compares at most " +
                   std::to_string(num_plot_colors()),
               "leave some out");
  }
  if (!arguments.no_page) require_plotter("leave the page out with --no-page");
  std::vector<RunFolder> runs;
  for (const std::string& folder : arguments.runs) runs.push_back(read_run_folder(folder));
  const std::vector<std::string> names = short_names(runs);
  const std::vector<DifferingSetting> settings = differing_settings(runs);
  if (!arguments.no_page) {
    make_parent_directory(arguments.output);
    write_file_atomically(arguments.output, comparison_page(runs, arguments.command));
  }
  if (arguments.json) {
    Json json{{"runs", Json::array()}, {"differing_settings", Json::object()}};
    for (const RunFolder& run : runs) json["runs"].push_back(to_json(run));
    for (const DifferingSetting& setting : settings) {
      json["differing_settings"][setting.key] = setting.values;
    }
    std::printf("%s\n", json_text(json, 2).c_str());
    return;
  }
  std::vector<std::vector<std::string>> rows{{"figure"}};
  rows.front().insert(rows.front().end(), names.begin(), names.end());
  const auto figures = final_figures(runs);
  rows.insert(rows.end(), figures.begin(), figures.end());
  std::printf("%s\n", shown_table(rows).c_str());
  rows = {{"setting"}};
  rows.front().insert(rows.front().end(), names.begin(), names.end());
  for (const DifferingSetting& setting : settings) {
    rows.push_back({setting.key});
    rows.back().insert(rows.back().end(), setting.values.begin(), setting.values.end());
  }
  if (settings.empty()) {
    std::printf("the runs have the same configuration, except for the folder\n");
  } else {
    std::printf("%s", shown_table(rows).c_str());
  }
  if (!arguments.no_page) std::printf("\npage: %s\n", arguments.output.c_str());
}

}  // namespace

void add_list_command(CLI::App& program) {
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* command =
      program.add_subcommand("list", "the runs below a folder: state, step, loss, best score");
  command->add_option("FOLDER", arguments->folders, "folders with runs, or run folders")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print the list as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-report list", "linformer-report list runs/glue --json"});
  command->callback([arguments] { run_list(*arguments); });
}

void add_run_command(CLI::App& program, const std::string& command_line) {
  auto arguments = std::make_shared<RunArguments>();
  arguments->command = command_line;
  CLI::App* command = program.add_subcommand(
      "run", "write RUN/report.html: curves, results, events, environment, configuration");
  command->add_option("RUN", arguments->runs, "run folders, also of runs that still go on")
      ->required();
  command->add_option("--expect", arguments->expect,
                      "file of configs/expected whose band is drawn behind the curves");
  add_examples(*command,
               {"linformer-report run runs/sample",
                "linformer-report run runs/sample --expect configs/expected/sample.yaml"});
  command->callback([arguments] { run_pages(*arguments); });
}

void add_compare_command(CLI::App& program, const std::string& command_line) {
  auto arguments = std::make_shared<CompareArguments>();
  arguments->command = command_line;
  CLI::App* command = program.add_subcommand(
      "compare", "last figures, settings that differ, and a page with the curves of several runs");
  command->add_option("RUN", arguments->runs, "run folders")->required()->expected(2, 1000);
  CLI::Option* output = command->add_option("--output", arguments->output, "the page to write")
                            ->capture_default_str();
  command->add_flag("--no-page", arguments->no_page, "print the tables and write no page")
      ->excludes(output);
  command->add_flag("--json", arguments->json, "print the tables as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-report compare runs/k64 runs/k128 --output k.html",
                          "linformer-report compare runs/k64 runs/k128 --no-page --json"});
  command->callback([arguments] { run_compare(*arguments); });
}

}  // namespace linformer
