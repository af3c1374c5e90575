// linformer-finetune over tasks and seeds: runs, tables, submission.
#include "linformer/experiments/finetune_suite.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <set>

#include "dry_run_checks.h"
#include "finetune_commands.h"
#include "program.h"
#include "table_output.h"

#include "linformer/checkpoint/model_path.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/finetune_rows.h"
#include "linformer/data/task_registry.h"
#include "linformer/experiments/glue_submission.h"
#include "linformer/experiments/suite_report.h"
#include "linformer/experiments/text_baseline.h"
#include "linformer/objectives/finetune_dry_run.h"

namespace linformer {
namespace {

/// The configuration of one run, as the command line and its file give it.
FinetuneConfig configured(const FinetuneArguments& arguments) {
  return load_finetune_config(arguments.config, assignments(arguments), recipe_of_task);
}

std::vector<std::string> tasks_of(const FinetuneArguments& arguments) {
  if (arguments.suite.empty() && !arguments.task.empty()) return {spelled_task(arguments.task)};
  if (arguments.suite.empty()) return {spelled_task(configured(arguments).task.name)};
  if (!arguments.task.empty()) {
    fail_usage("--task", "names one task, and --suite names all of them", "leave one out");
  }
  std::vector<std::string> tasks;
  if (arguments.suite == "glue") {
    for (const TaskSpec& spec : known_tasks()) {
      if (spec.in_glue && spec.trained_on.empty()) tasks.push_back(spec.name);
    }
    return tasks;
  }
  for (const std::string& name : comma_separated(arguments.suite)) {
    const std::string task = find_task(name).name;
    if (std::find(tasks.begin(), tasks.end(), task) != tasks.end()) {
      fail_usage("--suite", "names " + task + " twice", "name each task once");
    }
    tasks.push_back(task);
  }
  if (tasks.empty()) fail_usage("--suite", "names no task", "write glue, or names: cola,rte");
  return tasks;
}

std::vector<Protocol> protocols_of(const FinetuneArguments& arguments) {
  std::vector<Protocol> protocols;
  for (const std::string& name : arguments.protocols) {
    if (name == "both") return {Protocol::kTask, Protocol::kGlobal};
    const auto protocol = enum_of<Protocol>(name);
    if (!protocol) {
      fail_usage("--protocol", "'" + name + "' is none", "use task, global or both");
    }
    if (std::find(protocols.begin(), protocols.end(), *protocol) == protocols.end()) {
      protocols.push_back(*protocol);
    }
  }
  return protocols.empty() ? std::vector{Protocol::kTask} : protocols;
}

SuiteOptions options_of(const FinetuneArguments& arguments) {
  SuiteOptions options;
  options.tasks = tasks_of(arguments);
  options.protocols = protocols_of(arguments);
  options.sweep = finetune_sweep(arguments.sweep);
  options.sweep_seeds = arguments.sweep_seeds;
  for (const TaskSpec& spec : known_tasks()) {
    if (arguments.from_mnli && spec.starts_from_mnli) options.from_mnli.push_back(spec.name);
  }
  options.output = arguments.output;
  take_many_runs(arguments, options);
  // Other tasks start from the models of MNLI.
  options.keep_models = options.keep_models || arguments.from_mnli;
  return options;
}

/// run.dir of the configuration, for a command line without --output.
std::string folder_of_all(const FinetuneArguments& arguments) {
  const std::vector<std::string> settings = assignments(arguments);
  const bool given = !arguments.config.empty() ||
                     std::any_of(settings.begin(), settings.end(), [](const std::string& text) {
                       return text.starts_with("run.dir=");
                     });
  if (!given) fail_usage("--output", "is not given", "name the folder that is to hold all runs");
  if (arguments.suite.empty()) return configured(arguments).run.dir;
  FinetuneArguments one = arguments;  // a suite names its tasks, and the file none
  one.task = tasks_of(arguments).front();
  return configured(one).run.dir;
}

/// Refuses names of folders that do not exist before every run fails of them.
void check_folders(const FinetuneConfig& config) {
  std::error_code ignored;
  if (!config.task.data.empty() && !std::filesystem::exists(config.task.data, ignored)) {
    fail_missing(config.task.data, "no such folder",
                 "give the folder of GLUE's files, or that of the task");
  }
  for (const std::vector<std::string>* const files : {&config.task.train, &config.task.valid}) {
    for (const std::string& path : *files) {
      if (!std::filesystem::exists(path, ignored)) {
        fail_missing(path, "no such file", "check task.train and task.valid");
      }
    }
  }
  if (!std::filesystem::exists(config.run.init_from, ignored)) fail_no_model(config.run.init_from);
}

/// Refuses what one task can have and several cannot.
void check_files(const FinetuneConfig& config, size_t num_tasks) {
  if (num_tasks < 2) return;
  if (!config.task.train.empty() || !config.task.valid.empty()) {
    fail_usage(setting_name(config.task.train.empty() ? "task.valid" : "task.train"),
               "names the files of one task, and the suite has " + std::to_string(num_tasks),
               "leave it out, and name the parent of the tasks' folders as --data");
  }
}

/// Refuses a suite before its first run if the data of some tasks are missing.
void check_data(const std::vector<FinetuneConfig>& runs) {
  std::string missing, present, first;
  for (const FinetuneConfig& run : runs) {
    try {
      check_finetune_files(run.task);
      present += (present.empty() ? "" : ",") + run.task.name;
    } catch (const Error& error) {
      if (runs.size() == 1) throw;
      if (missing.empty()) first = error.what();
      missing += (missing.empty() ? "" : ", ") + run.task.name;
    }
  }
  if (missing.empty()) return;
  fail_usage(
      "--suite",
      "there are no training data of " + missing + " (" + first.substr(0, first.find('\n')) + ")",
      "fetch them (tools/fetch_data.sh)" +
          (present.empty() ? "" : ", or name the tasks that are there: --suite " + present));
}

/// Refuses an archive that cannot become complete, before the runs.
void check_submission(const FinetuneArguments& arguments) {
  std::error_code ignored;
  if (std::filesystem::is_directory(arguments.submission, ignored)) {
    fail_usage("--submission", arguments.submission + " is a folder", "name a file, e.g. glue.zip");
  }
  std::set<std::string> trained;
  if (!arguments.report_only) {
    const std::vector<std::string> tasks = tasks_of(arguments);
    trained.insert(tasks.begin(), tasks.end());
    FinetuneArguments one = arguments;
    one.task = tasks.front();
    if (!configured(one).task.has_test()) {
      fail_usage("--submission", "needs predictions, and task.test=[none] makes none",
                 "leave out task.test");
    }
  }
  if (arguments.report_only || has_results(arguments.output)) {
    for (const StoredResult& stored : read_results(arguments.output)) {
      trained.insert(stored.result.task);
    }
  }
  std::set<std::string> missing, wanted;
  for (const SubmissionSheet& sheet : glue_sheets()) {
    const std::string& model = find_task(sheet.task).trained_on;
    const std::string& task = model.empty() ? sheet.task : model;
    (trained.count(task) == 0 ? missing : wanted).insert(task);
  }
  if (wanted.empty()) {
    fail_usage("--submission", "is for GLUE's leaderboard, and none of the tasks is one of GLUE",
               "leave it out, or name tasks of GLUE: --suite glue");
  }
  if (missing.empty() || arguments.allow_partial) return;
  std::string names;
  for (const std::string& task : missing) names += (names.empty() ? "" : ", ") + task;
  fail_usage("--submission", "the leaderboard also wants predictions of " + names,
             "add them to --suite, or add --allow-partial");
}

/// The runs of a suite, or the baseline of each task. Returns false after a signal, and after a dry
/// run, which lists the runs.
bool do_runs(const FinetuneArguments& arguments, std::vector<std::string>& remarks,
             std::vector<FailedJob>& failed) {
  const auto config_for = [&](const std::string& task, Protocol protocol,
                              const std::vector<std::string>& more) {
    std::vector<std::string> settings = assignments(arguments);
    settings.push_back("task.name=" + task);
    settings.push_back("finetune.protocol=" + std::string(name_of(protocol)));
    settings.push_back(quoted_assignment("run.dir", arguments.output));
    settings.insert(settings.end(), more.begin(), more.end());
    return load_finetune_config(arguments.config, settings, recipe_of_task);
  };
  const SuiteOptions options = options_of(arguments);
  check_files(config_for(options.tasks.front(), options.protocols.front(), {}),
              options.tasks.size());
  if (arguments.baseline.empty() && !has_results(arguments.output)) {
    check_folders(config_for(options.tasks.front(), options.protocols.front(), {}));
  }
  std::vector<FinetuneConfig> open_tasks;
  for (const std::string& task : options.tasks) {
    if (has_results(arguments.output + "/" + task)) continue;
    open_tasks.push_back(config_for(task, options.protocols.front(), {}));
  }
  check_data(open_tasks);
  if (arguments.dry_run) {
    // All runs have one precision, and it is measured once.
    if (!open_tasks.empty()) {
      begin_dry_run(open_tasks.front(), 1, arguments.force_slow_precision);
    }
    for (const FinetuneConfig& config : open_tasks) check_finetuning(config);
    const TableRows planned = planned_table(options, config_for);
    const int64_t num_runs = std::ssize(planned) - 1;
    std::printf("%s%s, %s at a time\n", shown_table(planned).c_str(),
                format_count(num_runs, "run").c_str(),
                format_count(std::min(options.num_jobs, num_runs)).c_str());
    return false;
  }
  if (!arguments.baseline.empty()) {
    for (const std::string& task : options.tasks) {
      const Protocol protocol = options.protocols.front();
      const FinetuneConfig config = config_for(task, protocol, {});
      // The baseline is not random, so seeds matter only for folds.
      const int64_t runs = config.task.folds > 0 ? options.num_seeds : 1;
      for (int64_t number = 0; number < runs; ++number) {
        FinetuneConfig one = config;
        place_run(one, arguments.output + "/" + task + "/" + std::string(name_of(protocol)),
                  number);
        run_bag_of_words(one);
      }
    }
    return true;
  }
  defer_stop_signals();  // runs that were started are stopped first
  install_save_signal();
  const SuiteResult suite = run_suite(options, config_for);
  remarks = suite.choices;
  failed = suite.failed;
  return suite.complete;
}

/// For each task the run that is best on its held-out set; of equal ones the first.
void write_zip(const FinetuneArguments& arguments, const std::vector<StoredResult>& results) {
  std::vector<SubmissionSheet> sheets = glue_sheets();
  for (SubmissionSheet& sheet : sheets) {
    const std::string trained = find_task(sheet.task).trained_on;
    const std::string task = trained.empty() ? sheet.task : trained;
    const std::string set = trained.empty() ? sheet.split : sheet.task;
    const StoredResult* best = nullptr;
    for (const StoredResult& stored : results) {
      if (stored.result.task != task) continue;
      if (!std::filesystem::exists(predictions_path(stored.folder, set))) continue;
      if (best == nullptr || stored.result.score() > best->result.score()) best = &stored;
    }
    if (best == nullptr) continue;
    fill_sheet(sheet, predictions_path(best->folder, set));
    log_info(sheet.file + ": seed " + std::to_string(best->result.seed) + ", the best on " +
             best->result.sets.front().name);
  }
  make_parent_directory(arguments.submission);
  const SubmissionSummary summary =
      write_submission(arguments.submission, sheets, {.allow_partial = arguments.allow_partial});
  for (const std::string& file : summary.missing) log_warning(file + " is missing in the archive");
  for (const std::string& problem : summary.problems) log_warning(problem);
  const std::string line = "submission:   " + arguments.submission + " (" +
                           format_count(std::ssize(summary.files), "file") + ")";
  if (arguments.json) {
    log_info(line);  // standard output has the JSON alone
  } else {
    std::printf("%s\n", line.c_str());
  }
}

void write_tables(const FinetuneArguments& arguments, const std::vector<StoredResult>& results,
                  const std::vector<std::string>& remarks) {
  std::vector<TaskRun> runs = task_runs(results);
  for (const std::string& other : arguments.compare) {
    for (TaskRun& run : task_runs(read_results(other))) runs.push_back(std::move(run));
  }
  const auto tables = [&](TableStyle style) {
    std::string text = suite_text(runs, style);
    for (const std::string& remark : remarks) text += "\n" + remark + "\n";
    return text;
  };
  const std::string json = suite_json(runs);
  write_file_atomically(arguments.output + "/results.md", tables(TableStyle::kMarkdown));
  write_file_atomically(arguments.output + "/results.json", json);
  std::printf("%s", (arguments.json ? json : tables(table_style())).c_str());
  if (!arguments.json) {
    std::printf("\ntables:       %s/results.md and results.json\n", arguments.output.c_str());
  }
}

}  // namespace

void run_finetune_suite(FinetuneArguments arguments) {
  for (const std::string& other : arguments.compare) read_results(other);  // before the first run
  if (arguments.output.empty()) arguments.output = folder_of_all(arguments);
  check_folder_of_runs(arguments.output);
  if (!arguments.submission.empty()) check_submission(arguments);
  std::vector<std::string> remarks;
  std::vector<FailedJob> failed;
  if (!arguments.report_only && !do_runs(arguments, remarks, failed)) return;
  if (!failed.empty() && !has_results(arguments.output)) {
    fail_runs(arguments.output, "every run failed, so no tables:", failed);
  }
  const std::vector<StoredResult> results = read_results(arguments.output);
  write_tables(arguments, results, remarks);
  if (!arguments.submission.empty()) write_zip(arguments, results);
  if (!failed.empty()) {
    fail_runs(arguments.output, format_count(std::ssize(failed), "run") + " failed:", failed);
  }
}

}  // namespace linformer
