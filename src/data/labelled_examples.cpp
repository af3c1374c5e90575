#include "linformer/data/labelled_examples.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/utf8.h"
#include "linformer/data/input_rows.h"
#include "linformer/data/label_text.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTextEnding = ".txt";

/// Converts a label as written into a target.
class TargetReader {
 public:
  explicit TargetReader(const TaskSpec& task) : task_(task) {
    for (size_t i = 0; i < task.labels.size(); ++i) {
      classes_.emplace(task.labels[i].name, i);
      for (const std::string& spelling : task.labels[i].spellings) classes_.emplace(spelling, i);
      known_ += (i == 0 ? "'" : ", '") + task.labels[i].name + "'";
    }
  }

  /// The target, or a problem.
  float read(std::string_view written, std::string& problem) const {
    const std::string text(trimmed_label(written));
    if (task_.kind == TaskKind::kRegression) return score(text, problem);
    const auto found = classes_.find(text);
    if (found != classes_.end()) return static_cast<float>(found->second);
    problem = (text.empty() ? "no label" : "unknown label " + quoted_text(text)) + "; known are " +
              known_;
    return 0.0F;
  }

 private:
  float score(const std::string& text, std::string& problem) const {
    const std::optional<double> value = number_in(text);
    if (!value) {
      problem = "the score " + quoted_text(text) + " is not a number";
    } else if (*value < task_.min_score || *value > task_.max_score) {
      problem = "the score " + text + " is outside " + format_number(task_.min_score) + " to " +
                format_number(task_.max_score);
    }
    return static_cast<float>(value.value_or(0.0));
  }

  const TaskSpec& task_;
  std::unordered_map<std::string, size_t> classes_;
  std::string known_;
};

/// Collects the rows of several files.
class ExampleCollector {
 public:
  ExampleCollector(const TableLayout& layout, const TaskSpec& task, const ReadOptions& options)
      : layout_(layout), task_(task), options_(options), targets_(task) {}

  void read(const std::string& path) {
    if (fs::is_directory(path)) {
      read_label_folders(path);
    } else {
      read_table(path);
    }
  }

  LabelledExamples finish(const std::string& path) {
    if (num_rows_ == 0) {
      fail_run(path, "holds no row" + std::string(layout_.table.header ? " after its header" : ""),
               "give a file with examples");
    }
    const double share = options_.max_bad_share * static_cast<double>(num_rows_);
    const int64_t allowed =
        std::max(static_cast<int64_t>(share), std::min(options_.free_bad_rows, num_rows_ / 10));
    if (result_.num_bad_rows > allowed || result_.rows.empty()) fail_bad_rows(path, allowed);
    return std::move(result_);
  }

 private:
  void read_table(const std::string& path) {
    TableOptions table = layout_.table;
    if (layout_.format_by_name) table.format = table_format_of(path);
    TableReader reader(path, table, wanted());
    const bool labelled = layout_.label.has_value() && reader.has(1);
    note_labelled(path, labelled);
    while (std::optional<TableRow> row = reader.next()) {
      LabelledExample example;
      if (row->problem.empty()) take(*row, reader, labelled, example);
      keep(std::move(example), reader.where(row->line), row->problem);
    }
    result_.num_repaired += reader.num_repaired();
  }

  void note_labelled(const std::string& path, bool labelled) {
    if (num_files_++ > 0 && labelled != result_.has_labels) {
      fail_run(path,
               std::string(labelled ? "has labels" : "has no labels") + ", unlike the files before",
               "read files with and without labels separately");
    }
    result_.has_labels = labelled;
  }

  void keep(LabelledExample example, const std::string& where, const std::string& problem) {
    if (example.id.empty()) example.id = std::to_string(num_rows_);
    ++num_rows_;
    if (problem.empty()) {
      result_.rows.push_back(std::move(example));
    } else {
      note_bad(where, problem);
    }
  }

  void read_label_folders(const std::string& path) {
    note_labelled(path, true);
    std::string wanted;
    for (size_t i = 0; i < task_.labels.size(); ++i) {
      std::vector<std::string> names = task_.labels[i].spellings;
      names.push_back(task_.labels[i].name);
      for (const std::string& name : names) {
        wanted += (wanted.empty() ? "" : ", ") + name;
        const fs::path folder = fs::path(path) / name;
        if (fs::is_directory(folder)) read_texts(folder, static_cast<float>(i));
      }
    }
    if (num_rows_ == 0) fail_usage(path, "holds no text", "folders in it may be called " + wanted);
  }

  void read_texts(const fs::path& folder, float target) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().string();
      const bool is_text =
          entry.is_regular_file() && name_without_compression(name).ends_with(kTextEnding);
      if (is_text && !is_system_file(name)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      LabelledExample example;
      example.line = 1;
      const size_t id_size = name_without_compression(file.string()).size() - kTextEnding.size();
      example.id = file.filename().string().substr(0, id_size);
      example.target = target;
      std::string problem;
      example.a = clean(read_input(file.string()), "text", problem);
      keep(std::move(example), file.string(), problem);
    }
  }

  /// The columns a, label, b, id; the code refers to the label by its index.
  std::vector<WantedColumn> wanted() const {
    std::vector<WantedColumn> columns{{layout_.a}};
    columns.push_back(layout_.label ? WantedColumn{*layout_.label, options_.labels_required}
                                    : WantedColumn{layout_.a});
    columns.push_back(layout_.b ? WantedColumn{*layout_.b} : WantedColumn{layout_.a});
    if (layout_.id) columns.push_back({*layout_.id, false});
    return columns;
  }

  std::string clean(std::string text, const char* which, std::string& problem) {
    if (valid_utf8_prefix(text) != text.size()) {
      std::string repaired;
      result_.num_repaired += static_cast<int64_t>(append_repaired_utf8(text, repaired));
      text = std::move(repaired);
    }
    const std::string found = text_problem(text);
    if (!found.empty()) problem = std::string("the ") + which + " " + found;
    return text;
  }

  void take(TableRow& row, const TableReader& reader, bool labelled, LabelledExample& example) {
    example.line = row.line;
    if (layout_.id && reader.has(3)) example.id = row.fields[3];
    if (labelled) example.target = targets_.read(row.fields[1], row.problem);
    if (layout_.b) example.b = clean(std::move(row.fields[2]), "second text", row.problem);
    example.a = clean(std::move(row.fields[0]), layout_.b ? "first text" : "text", row.problem);
  }

  void note_bad(const std::string& where, const std::string& reason) {
    if (result_.bad_rows.size() < LabelledExamples::kKeptBadRows)
      result_.bad_rows.push_back({where, reason});
    ++result_.num_bad_rows;
  }

  [[noreturn]] void fail_bad_rows(const std::string& path, int64_t allowed) const {
    std::string list;
    for (const BadRow& row : result_.bad_rows) list += "\n  " + row.where + ": " + row.reason;
    if (result_.num_bad_rows > static_cast<int64_t>(result_.bad_rows.size())) list += "\n  ...";
    fail_run(path,
             format_count(result_.num_bad_rows) + " of " + format_count(num_rows_) +
                 " rows cannot be read (" + format_count(allowed) + " may be):" + list,
             "correct the file, or check the names of its columns and labels");
  }

  const TableLayout& layout_;
  const TaskSpec& task_;
  const ReadOptions& options_;
  TargetReader targets_;
  LabelledExamples result_;
  int64_t num_files_ = 0;
  int64_t num_rows_ = 0;
};

}  // namespace

std::vector<int64_t> LabelledExamples::label_counts(const TaskSpec& task) const {
  if (!has_labels || task.kind == TaskKind::kRegression) return {};
  std::vector<int64_t> counts(task.labels.size(), 0);
  for (const LabelledExample& row : rows) ++counts.at(static_cast<size_t>(row.target));
  return counts;
}

std::vector<float> LabelledExamples::targets() const {
  std::vector<float> values;
  for (const LabelledExample& row : rows) values.push_back(row.target);
  return values;
}

std::vector<std::string> LabelledExamples::remarks() const {
  std::vector<std::string> lines;
  for (const BadRow& row : bad_rows) lines.push_back(row.where + ": left out, " + row.reason);
  if (num_bad_rows > static_cast<int64_t>(bad_rows.size()))
    lines.push_back(format_count(num_bad_rows) + " rows were left out in all");
  if (num_repaired > 0)
    lines.push_back(format_count(num_repaired) + " malformed UTF-8 sequences became U+FFFD");
  return lines;
}

LabelledExamples read_labelled_examples(const std::vector<std::string>& paths,
                                        const TableLayout& layout, const TaskSpec& task,
                                        const ReadOptions& options) {
  if (paths.empty()) fail_usage("task " + task.name, "no file to read", "name at least one");
  ExampleCollector collector(layout, task, options);
  for (const std::string& path : without_system_files(paths)) collector.read(path);
  return collector.finish(paths.front());
}

LabelledExamples read_labelled_examples(const SplitFiles& files, const TaskSpec& task,
                                        const ReadOptions& options) {
  return read_labelled_examples(files.paths, files.layout, task, options);
}

}  // namespace linformer
