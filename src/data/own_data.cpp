#include "linformer/data/own_data.h"

#include <algorithm>
#include <set>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/data/label_text.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

// A column with more distinct labels than this holds scores or texts.
constexpr size_t kMaxLabels = 1000;

// The loss squares differences of scores in single precision, whose range ends at 3.4e38.
constexpr double kLargestScore = 1e18;

Column column_of(const std::string& name, bool header) {
  if (header) return Column(name);
  const std::optional<int64_t> place = whole_number_in(name);
  if (!place || *place < 0) {
    fail_usage("columns", "'" + name + "' is not a number, and the files have no header",
               "give the place of the column, from 0");
  }
  return Column::at(*place);
}

constexpr const char* kMendLabel =
    "write labels in UTF-8, on one line and without control characters (a file in Latin-1: iconv "
    "-f LATIN1 -t UTF-8)";

/// The labels that the user named.
std::vector<std::string> checked_labels(const std::vector<std::string>& given) {
  std::vector<std::string> labels;
  for (const std::string& label : given) {
    labels.emplace_back(trimmed_label(label));
    const std::string problem =
        labels.back().empty() ? "a label is empty" : label_problem(labels.back());
    if (!problem.empty()) fail_usage("labels", problem, kMendLabel);
  }
  return labels;
}

/// Sorts as numbers if all labels are whole numbers.
void sort_labels(std::vector<std::string>& labels) {
  if (std::all_of(labels.begin(), labels.end(), [](const auto& l) { return whole_number_in(l); })) {
    std::sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) {
      return std::pair(*whole_number_in(a), a) < std::pair(*whole_number_in(b), b);
    });
  } else {
    std::sort(labels.begin(), labels.end());
  }
}

/// What the training files say about the labels.
struct LabelScan {
  std::set<std::string> labels;
  int64_t num_rows = 0;
  int64_t num_without = 0;    ///< rows whose label is missing or cannot be read
  std::string first_without;  ///< the first such row, and why
};

void scan_labels(const std::string& path, const OwnData& data, const TableLayout& layout,
                 LabelScan& scan) {
  TableOptions table = layout.table;
  table.format = table_format_of(path);
  TableReader reader(path, table, {{*layout.label}});
  while (const std::optional<TableRow> row = reader.next()) {
    ++scan.num_rows;
    const std::string label(row->problem.empty() ? trimmed_label(row->fields[0]) : "");
    if (label.empty()) {
      // These rows are left out or refused when the examples are read.
      if (scan.num_without++ > 0) continue;
      scan.first_without =
          reader.where(row->line) + ": " + (row->problem.empty() ? "no label" : row->problem);
      continue;
    }
    // Such a label is not a bad row that may be left out: a whole class would be missing.
    if (const std::string problem = label_problem(label); !problem.empty()) {
      fail_run(reader.where(row->line), problem, kMendLabel);
    }
    scan.labels.insert(label);
    if (scan.labels.size() > kMaxLabels) {
      fail_run(path,
               "more than " + format_count(int64_t{kMaxLabels}) +
                   " different labels in the column '" + data.label_column + "'",
               "is it the right column? For scores ask for a regression");
    }
  }
}

/// Reports why there are fewer than two labels. Often the labels themselves are not the reason.
[[noreturn]] void fail_few_labels(const std::string& files, const OwnData& data,
                                  const LabelScan& scan) {
  if (scan.num_rows == 0) {
    fail_run(files, std::string("no row") + (data.header ? " after the header" : ""),
             "give files with examples");
  }
  std::string what = scan.labels.empty() ? "no label in the column '" + data.label_column + "'"
                                         : "all labels are " + quoted_text(*scan.labels.begin());
  if (scan.num_without > 0) {
    what += "; " + format_count(scan.num_without) + " of " + format_count(scan.num_rows) +
            " rows have none that can be read, the first " + scan.first_without;
  }
  fail_run(files, what,
           scan.num_without > 0 ? "correct these rows, or name another column"
                                : "a classification needs at least two");
}

std::vector<std::string> labels_of(const OwnData& data, const TableLayout& layout) {
  LabelScan scan;
  std::vector<std::string> paths = data.train;
  std::erase_if(paths, is_system_file);
  if (paths.empty()) paths = without_system_files(data.train);  // reports that none is left
  for (const std::string& path : paths) scan_labels(path, data, layout, scan);
  if (scan.labels.size() < 2) {
    const std::string more =
        paths.size() > 1 ? " and " + std::to_string(paths.size() - 1) + " more" : "";
    fail_few_labels(paths.front() + more, data, scan);
  }
  std::vector<std::string> sorted(scan.labels.begin(), scan.labels.end());
  sort_labels(sorted);
  return sorted;
}

std::vector<Metric> default_metrics(const TaskSpec& task) {
  if (task.kind == TaskKind::kRegression) return {Metric::kPearson, Metric::kSpearman};
  if (task.labels.size() == 2) return {Metric::kAccuracy, Metric::kF1, Metric::kMcc};
  return {Metric::kAccuracy, Metric::kMacroF1, Metric::kMcc};
}

void check_metrics(const TaskSpec& task) {
  const bool scores = task.kind == TaskKind::kRegression;
  for (const Metric metric : task.metrics) {
    const std::string name(name_of(metric));
    if (is_of_scores(metric) != scores) {
      fail_usage("metrics",
                 name + " is not a metric of a " + (scores ? "regression" : "classification"),
                 scores ? "choose pearson or spearman" : "choose accuracy, f1, macro_f1 or mcc");
    }
    if (metric == Metric::kF1 && task.labels.size() != 2) {
      fail_usage("metrics",
                 "f1 is of two classes, and there are " + std::to_string(task.labels.size()),
                 "choose macro_f1");
    }
  }
}

}  // namespace

bool is_own_data(const TaskConfig& task) {
  return !task.text_column.empty() || !task.label_column.empty();
}

OwnData own_data(const TaskConfig& task) {
  OwnData own;
  own.train = task.train;
  own.dev = task.valid;
  if (task.has_test()) own.test = task.test;
  own.header = task.header;
  own.text_column = task.text_column;
  own.pair_column = task.text_pair_column;
  own.label_column = task.label_column;
  own.id_column = task.id_column;
  own.kind = task.regression ? TaskKind::kRegression : TaskKind::kClassification;
  own.labels = task.labels;
  own.name = task.name;
  return own;
}

TableLayout own_layout(const OwnData& data) {
  TableLayout layout;
  layout.format_by_name = true;
  layout.table.header = data.header;
  layout.a = column_of(data.text_column, data.header);
  if (!data.label_column.empty()) layout.label = column_of(data.label_column, data.header);
  if (!data.pair_column.empty()) layout.b = column_of(data.pair_column, data.header);
  if (!data.id_column.empty()) layout.id = column_of(data.id_column, data.header);
  return layout;
}

TaskFiles own_task(const OwnData& data) {
  if (const std::string problem = name_problem(data.name); !problem.empty()) {
    fail_usage(setting_name("task.name"), quoted_text(data.name) + " " + problem,
               "give another name");
  }
  const TableLayout layout = own_layout(data);
  TaskFiles result;
  TaskSpec& task = result.task;
  task.name = data.name;
  task.title = data.name;
  task.kind = data.kind;
  const auto add = [&](const char* name, SplitRole role, const std::vector<std::string>& paths) {
    if (paths.empty()) return;
    result.splits.push_back({name, role, paths, layout, false});
    task.splits.push_back({name, role, {{paths, layout, false}}});
  };
  add("train", SplitRole::kTrain, data.train);
  add("dev", SplitRole::kDev, data.dev);
  add("test", SplitRole::kTest, data.test);
  if (result.splits.empty()) fail_usage("task " + data.name, "has no file", "name at least one");
  if (data.dev.empty()) task.dev_source = DevSource::kHeldOut;
  if (data.kind == TaskKind::kRegression) {
    if (!data.labels.empty()) {
      fail_usage("labels", "a regression has scores, not labels", "leave the labels out");
    }
    task.min_score = -kLargestScore;
    task.max_score = kLargestScore;
  } else {
    std::vector<std::string> labels = checked_labels(data.labels);
    if (labels.empty() && data.train.empty()) {
      fail_usage("labels", "no training file to take the labels from", "give their names");
    }
    if (labels.empty()) labels = labels_of(data, layout);
    for (const std::string& label : labels) task.labels.push_back({label});
    if (labels.size() < 2 || std::set(labels.begin(), labels.end()).size() != labels.size()) {
      fail_usage("labels", "two different labels at least are needed", "name each label once");
    }
  }
  task.metrics = data.metrics.empty() ? default_metrics(task) : data.metrics;
  check_metrics(task);
  return result;
}

}  // namespace linformer
