#include "linformer/experiments/suite_report.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/missing_path.h"
#include "linformer/data/task_registry.h"
#include "linformer/report/prediction_table.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

size_t place_of(const std::string& task) {
  const auto& known = known_tasks();
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& spec) { return spec.name == task; });
  return static_cast<size_t>(found - known.begin());
}

bool in_average(const std::string& task) {
  const size_t place = place_of(task);
  return place >= known_tasks().size() || known_tasks()[place].in_glue;
}

std::string remark_of(const TaskResult& result, const SetResult& set) {
  std::string remark;
  if (result.train_is_part) remark = "part of train";
  if (set.is_part) remark += std::string(remark.empty() ? "" : ", ") + "part of " + set.name;
  return remark;
}

std::vector<std::string> names(const std::vector<TaskRun>& runs, std::string TaskRun::*member) {
  std::vector<std::string> result;
  for (const TaskRun& run : runs) {
    if (std::find(result.begin(), result.end(), run.*member) == result.end()) {
      result.push_back(run.*member);
    }
  }
  return result;
}

/// Every pair of names, the earlier one on the left.
template <class Compare>
std::vector<Comparison> comparisons(const std::vector<std::string>& of, const Compare& compare) {
  std::vector<Comparison> result;
  for (size_t i = 1; i < of.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      Comparison comparison = compare(of[j], of[i]);
      if (!comparison.rows.empty()) result.push_back(std::move(comparison));
    }
  }
  return result;
}

std::vector<Comparison> all_comparisons(const std::vector<TaskRun>& runs) {
  std::vector<Comparison> result = comparisons(
      names(runs, &TaskRun::protocol),
      [&](const auto& left, const auto& right) { return compare_protocols(runs, left, right); });
  for (Comparison& comparison : comparisons(
           names(runs, &TaskRun::model),
           [&](const auto&left, const auto&right) { return compare_models(runs, left, right); })) {
    result.push_back(std::move(comparison));
  }
  return result;
}

}  // namespace

namespace {

/// The results under a folder, in no order.
std::vector<StoredResult> results_under(const std::string& output) {
  std::vector<StoredResult> results;
  if (fs::is_directory(output)) {
    for (const auto& entry : fs::recursive_directory_iterator(output)) {
      const std::string path = entry.path().string();
      if (path != result_path(entry.path().parent_path().string())) continue;
      // What a sweep tried: OUTPUT/TASK/sweep/SETTING/seed-N.
      if (fs::relative(entry.path(), output).string().find("/sweep/") != std::string::npos) {
        continue;
      }
      TaskResult result = task_result_from_json(read_text_file(path), path);
      // OUTPUT/TASK/PROTOCOL/seed-N; a single run's folder says nothing about its protocol.
      const fs::path folder = entry.path().parent_path();
      if (folder.filename().string().starts_with("seed-")) {
        result.protocol = folder.parent_path().filename().string();
      }
      results.push_back({std::move(result), folder.string()});
    }
  }
  return results;
}

}  // namespace

bool has_results(const std::string& output) {
  return !results_under(output).empty();
}

std::vector<StoredResult> read_results(const std::string& output) {
  std::vector<StoredResult> results = results_under(output);
  if (results.empty()) {
    if (!fs::exists(output)) {
      fail_missing(output, "there is no such folder", "give the folder of a suite that has run");
    }
    fail_usage(output, "holds no results of fine-tuning",
               "give the folder of a suite that has run");
  }
  std::sort(results.begin(), results.end(), [](const StoredResult& a, const StoredResult& b) {
    const auto key = [](const StoredResult& stored) {
      return std::tuple(place_of(stored.result.task), stored.result.task, stored.result.protocol,
                        stored.result.model, stored.result.seed);
    };
    return key(a) < key(b);
  });
  return results;
}

std::vector<TaskRun> task_runs(const std::vector<StoredResult>& results, const std::string& model) {
  std::vector<TaskRun> runs;
  for (const StoredResult& stored : results) {
    const TaskResult& result = stored.result;
    for (size_t i = 0; i < result.sets.size(); ++i) {
      const SetResult& set = result.sets[i];
      TaskRun run;
      run.task = i == 0 ? result.task : set.task + (set.name == set.task ? "" : " " + set.name);
      run.model = model.empty() ? result.model : model;
      run.protocol = result.protocol;
      for (const auto& [key, value] : result.setting) {
        run.setting += (run.setting.empty() ? "" : " ") + key + "=" + value;
      }
      run.seed = result.seed;
      run.metrics = set.metrics;
      run.majority_baseline = set.majority;
      run.regression = set.majority != set.majority;
      run.in_average = i == 0 && in_average(result.task);
      run.remark = remark_of(result, set);
      const std::string path = predictions_path(stored.folder, set.name);
      if (fs::exists(path)) {
        const PredictionTable table = PredictionTable::read(path);
        run.predictions = table.predictions();
        run.targets = table.targets();
      }
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

std::string suite_text(const std::vector<TaskRun>& runs, TableStyle style) {
  std::string text = task_table_text(task_rows(runs), style);
  for (const Comparison& comparison : all_comparisons(runs)) {
    text += "\n" + comparison_text(comparison, style);
  }
  return text;
}

std::string suite_json(const std::vector<TaskRun>& runs) {
  std::string text = "{\"table\": " + task_table_json(task_rows(runs)) + ", \"comparisons\": [";
  bool first = true;
  for (const Comparison& comparison : all_comparisons(runs)) {
    text += (first ? "" : ", ") + comparison_json(comparison);
    first = false;
  }
  return text + "]}\n";
}

}  // namespace linformer
