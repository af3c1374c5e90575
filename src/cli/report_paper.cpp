// linformer-report paper: the paper's experiments as runs and one page.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "option_checks.h"
#include "program.h"
#include "report_commands.h"
#include "table_output.h"

#include "linformer/config/experiment_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/file_lock.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/processors.h"
#include "linformer/core/stop_signal.h"
#include "linformer/experiments/experiment_plan.h"
#include "linformer/experiments/experiment_report.h"
#include "linformer/experiments/experiment_runner.h"
#include "linformer/experiments/needed_data.h"
#include "linformer/experiments/run_record.h"
#include "linformer/kernels/thread_setup.h"
#include "linformer/report/plot.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollInterval = std::chrono::milliseconds(20);

struct PaperArguments {
  PlanOptions plan;
  std::vector<std::string> from;
  std::string sources;
  int64_t num_jobs = 0;
  bool dry_run = false;
  bool page_only = false;
  bool no_page = false;
  bool prepare = false;
  bool list = false;
  std::string command;
};

std::string words_of(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
  return line;
}

std::string programs_folder() {
  return fs::path(this_program()).parent_path().string();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// What a step prints. The file is there from the step's start until it succeeds, so it also marks
/// what an interrupted step left half made.
std::string log_of(const PrepareStep& step) {
  return step.creates + ".prepare.log";
}

bool is_made(const PrepareStep& step) {
  return fs::exists(step.creates) && !fs::exists(log_of(step));
}

/// The words of a step with its folders; the first one is the program's path.
std::vector<std::string> command_of(const PrepareStep& step, const std::string& sources) {
  std::vector<std::string> command;
  for (const std::string& word : step.command) {
    command.push_back(
        replaced(replaced(word, "{sources}", sources), "{programs}", programs_folder()));
  }
  if (command.front().rfind("linformer-", 0) == 0) {
    command.front() = programs_folder() + "/" + command.front();
  } else {
    command.insert(command.begin(), "/usr/bin/env");
  }
  return command;
}

/// Executes a step, unless another process has just done so.
void make(const PrepareStep& step, const std::string& sources) {
  const fs::path parent = fs::path(step.creates).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  make_directories(folder);
  const FileLock lock(folder + "/prepare.lock");
  if (is_made(step)) return;
  log_info("preparing " + step.creates);
  if (fs::exists(log_of(step)) && fs::is_regular_file(fs::symlink_status(step.creates))) {
    fs::remove(step.creates);  // half made; programs refuse to write over a file
  }
  fs::remove(log_of(step));
  ChildProcess child(command_of(step, sources), log_of(step));
  while (!child.poll()) {
    if (stop_signal() != 0) {
      child.send(SIGTERM);
      child.wait();
      throw StopError(step.creates);
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  const int code = child.wait();
  if (code != 0 || !fs::exists(step.creates)) {
    fail_run(
        step.creates,
        "could not be made: " + words_of(step.command) + " ended with code " + std::to_string(code),
        "read " + log_of(step));
  }
  fs::remove(log_of(step));
}

/// Executes the steps whose file is missing, or says which commands make it.
void prepare_data(const ScaleFile& scale, const std::vector<PrepareStep>& steps,
                  const PaperArguments& arguments) {
  const bool has_sources = !arguments.sources.empty();
  std::string missing;
  bool needs_sources = false;
  for (const PrepareStep& step : steps) {
    if (is_made(step)) continue;
    const std::string words = words_of(step.command);
    needs_sources = needs_sources || words.find("{sources}") != std::string::npos;
    missing += "\n    " + replaced(replaced(words, "PATH={programs}:$PATH ", ""), "{sources}",
                                   has_sources ? arguments.sources : "SOURCES");
    if (fs::exists(step.creates))
      missing += "  (was interrupted; delete " + log_of(step) + " then)";
  }
  if (missing.empty()) return;
  if (!arguments.prepare && !scale.automatic) {
    fail_usage(
        "--scale " + scale.name, "its data are not there. These commands make them:" + missing,
        "replace SOURCES by the folder of the published data sets (data/README.md) and run them, "
        "or let --prepare --sources FOLDER run them");
  }
  if (needs_sources && !fs::is_directory(arguments.sources)) {
    fail_usage("--sources", has_sources ? arguments.sources + " is not a folder" : "is missing",
               "name the folder of the published data sets (data/README.md)");
  }
  for (const PrepareStep& step : steps) {
    if (!is_made(step)) make(step, arguments.sources);
  }
}

/// The later of two results of one configuration counts; that there are two is said.
void add_records(RunRecords& records, const RunRecords& more, const std::string& place) {
  const std::vector<std::string> changed = merge_records(records, more);
  if (changed.empty()) return;
  log_warning(place + ": " + format_count(static_cast<int64_t>(changed.size())) +
              " results differ from those read before, and count: " + changed.front() +
              (changed.size() > 1 ? ", ..." : ""));
}

RunRecords known_records(const PaperArguments& arguments) {
  RunRecords records;
  for (const std::string& path : arguments.from) {
    if (!fs::exists(path)) {
      fail_missing(path, "no such report", "--from takes the report.json of an earlier report");
    }
    add_records(records, read_report_records(path), path);
  }
  add_records(records, read_records(arguments.plan.output), arguments.plan.output + "/records");
  return records;
}

/// Returns how many panels of the page could not be made.
size_t write_report(const PaperArguments& arguments, const ExperimentPlan& plan,
                    const RunnerResult& result) {
  const ReportOrigin origin{arguments.command, program_version(), machine_description()};
  const std::string& output = arguments.plan.output;
  make_directories(output);
  write_file_atomically(output + "/report.json", report_json(plan, result, origin));
  write_file_atomically(output + "/curves.csv", curves_csv(plan, result));
  write_file_atomically(output + "/values.csv", values_csv(plan, result));
  if (arguments.no_page) return 0;
  std::vector<std::string> problems;
  write_file_atomically(output + "/report.html", report_html(plan, result, origin, &problems));
  for (const std::string& problem : problems) log_warning(problem);
  return problems.size();
}

void print_known(const PaperArguments& arguments) {
  const ReportFile report =
      read_report_file(arguments.plan.experiments + "/" + arguments.plan.report + ".yaml");
  std::vector<std::vector<std::string>> rows{{"experiment", "what it is"}};
  for (const std::string& name : report.experiments) {
    const std::string path = arguments.plan.experiments + "/" + name + ".yaml";
    rows.push_back({name, read_experiment_file(path, name).title});
  }
  std::printf("%s\n", shown_table(rows).c_str());
  rows = {{"scale", "cost"}};
  for (const std::string& name : known_scales(arguments.plan.experiments)) {
    const std::string path = arguments.plan.experiments + "/scales/" + name + "/scale.yaml";
    rows.push_back({name, read_scale_file(path, name).cost});
  }
  std::printf("%s", shown_table(rows).c_str());
}

int64_t count(const RunnerResult& result, RunState state) {
  return std::count_if(result.outcomes.begin(), result.outcomes.end(),
                       [&](const RunOutcome& one) { return one.state == state; });
}

void run_paper(PaperArguments arguments) {
  if (arguments.list) return print_known(arguments);
  if (arguments.plan.output.empty()) {
    arguments.plan.output = "runs/" + arguments.plan.report + "-" + arguments.plan.scale;
  }
  if (!arguments.sources.empty() && !fs::is_directory(arguments.sources)) {
    fail_missing(arguments.sources, "no such folder",
                 "--sources takes the folder of the published data sets (data/README.md)");
  }
  const ExperimentPlan plan = make_plan(arguments.plan);
  check_panels(plan);
  const int64_t cores = num_processors();
  const int64_t jobs = arguments.num_jobs > 0 ? arguments.num_jobs : cores;
  set_num_threads(static_cast<int>(std::max<int64_t>(1, cores / jobs)));
  const RunRecords known = known_records(arguments);
  if (arguments.dry_run) {
    const std::vector<size_t> missing = missing_runs(plan, known, arguments.plan.output);
    const RunClock clock(expected_flops_per_second(jobs));
    std::printf("%s%s: %s\n", describe_plan(plan, missing, jobs, clock).c_str(),
                plan.scale.path.c_str(), plan.scale.cost.c_str());
    PlanOptions all = arguments.plan;
    all.only.clear();
    std::string lacking;
    for (const PrepareStep& step : needed_steps(plan, missing, make_plan(all))) {
      if (!is_made(step)) lacking += (lacking.empty() ? "" : ", ") + step.creates;
    }
    if (!lacking.empty()) {
      std::printf(
          "data that are not there: %s; %s\n", lacking.c_str(),
          plan.scale.automatic ? "the run makes them" : "--prepare --sources FOLDER makes them");
    }
    return;
  }
  if (!arguments.no_page) {
    require_plotter(arguments.page_only ? "" : "leave the page out with --no-page");
  }
  make_directories(arguments.plan.output);
  const FileLock lock(arguments.plan.output + "/lock");
  defer_stop_signals();
  RunnerResult result;
  if (arguments.page_only) {
    result = recorded_results(plan, known);
    if (count(result, RunState::kDone) == 0) {
      log_warning(arguments.plan.output +
                  " holds no finished run of these experiments, so the page says what is missing; "
                  "--from takes the report.json of another place");
    }
  } else {
    const std::vector<size_t> missing = missing_runs(plan, known, arguments.plan.output);
    if (!missing.empty()) {
      PlanOptions all = arguments.plan;
      all.only.clear();
      prepare_data(plan.scale, needed_steps(plan, missing, make_plan(all)), arguments);
    }
    RunnerOptions options;
    options.output = arguments.plan.output;
    options.programs = programs_folder();
    options.version = program_version();
    options.num_jobs = jobs;
    options.num_cores = cores;
    options.known = known;
    result = execute_plan(plan, options);
  }
  const size_t num_problems = write_report(arguments, plan, result);
  const std::string written =
      arguments.plan.output + (arguments.no_page ? "/report.json" : "/report.html");
  std::printf("%s\n", written.c_str());
  if (arguments.no_page) {
    log_info("no page was made; --page-only makes it, also on another machine with --from " +
             written);
  }
  const int64_t failed = count(result, RunState::kFailed);
  if (failed > 0) {
    fail_run(written,
             format_count(failed, "run") + " failed, and " +
                 format_count(count(result, RunState::kBlocked)) +
                 " that build on failed ones were not started; the file names each with its reason",
             "mend the cause and run the same command again: what is done is kept");
  }
  if (num_problems > 0) {
    fail_run(written,
             "figures or tables that could not be made: " + std::to_string(num_problems) +
                 "; the page has all others",
             "mend the cause that each warning above names; to measure a run again, delete its "
             "file below " +
                 arguments.plan.output + "/records");
  }
}

}  // namespace

void add_paper_command(CLI::App& program, const std::string& command_line) {
  auto arguments = std::make_shared<PaperArguments>();
  arguments->command = command_line;
  CLI::App* command = program.add_subcommand(
      "paper", "run the paper's experiments, as far as they are missing, and write the page");
  PlanOptions& plan = arguments->plan;
  command
      ->add_option("--scale", plan.scale, "size of the experiments, or a name of your own: --list")
      ->check(offers({"tiny", "small", "gpu", "paper"}))
      ->capture_default_str();
  command->add_option("--only", plan.only, "names of experiments, separated by commas; see --list")
      ->delimiter(',');
  command
      ->add_option(
          "--seeds", plan.num_seeds,
          "seeds of each run, where the experiment does not ask for fewer; 0 = the scale's")
      ->check(takes_between(0, 1000));
  command
      ->add_option("--jobs", arguments->num_jobs,
                   "runs at a time, which share the cores; 0 = one a core")
      ->check(takes_between(0, 1024));
  command->add_option("--output", plan.output,
                      "folder of the runs, the records and the page; default: runs/paper-SCALE");
  command->add_option("--from", arguments->from,
                      "report.json of earlier reports; runs that they have are not done again");
  command->add_option("--experiments", plan.experiments, "folder of the experiments' files")
      ->capture_default_str();
  command->add_option("--sources", arguments->sources,
                      "folder of the published data sets, for --prepare");
  command->add_flag("--prepare", arguments->prepare,
                    "make missing data with the scale's commands, before the runs");
  CLI::Option* dry_run =
      command->add_flag("--dry-run", arguments->dry_run,
                        "execute nothing; list the missing runs and about how long they take");
  CLI::Option* page_only =
      command
          ->add_flag("--page-only", arguments->page_only,
                     "execute nothing; make the page of the runs that are done")
          ->excludes(dry_run);
  command
      ->add_flag("--no-page", arguments->no_page,
                 "write report.json and the CSV files, and no page: needs no gnuplot")
      ->excludes(page_only);
  command->add_flag("--list", arguments->list, "list the experiments and scales");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-report paper --scale tiny",
                          "linformer-report paper --only figure-3 --seeds 3 --jobs 2",
                          "linformer-report paper --scale small --dry-run"});
  command->callback([arguments] { run_paper(*arguments); });
}

}  // namespace linformer
