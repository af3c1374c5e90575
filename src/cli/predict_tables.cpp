// Tables (.tsv, .csv) as input of linformer-predict.
#include "predict_tables.h"

#include <algorithm>
#include <optional>

#include "linformer/analysis/labelled_evaluation.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/data/own_data.h"
#include "linformer/data/task_registry.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

InputKind kind_by_name(const std::string& path) {
  const std::string name = name_without_compression(path);
  for (const char* ending : {".jsonl", ".json", ".ndjson"}) {
    if (name.ends_with(ending)) return InputKind::kJsonLines;
  }
  return name.ends_with(".tsv") || name.ends_with(".csv") ? InputKind::kTable : InputKind::kText;
}

TableLayout layout_of_columns(const std::string& text, const std::string& pair, bool header) {
  OwnData own;
  own.header = header;
  own.text_column = text;
  own.pair_column = pair;
  own.label_column = "";
  return own_layout(own);
}

}  // namespace

InputKind input_kind_of(const StreamArguments& arguments) {
  if (arguments.input_format == "text") return InputKind::kText;
  if (arguments.input_format == "json-lines") return InputKind::kJsonLines;
  if (arguments.input_format == "table" || !arguments.task.empty()) return InputKind::kTable;
  std::optional<InputKind> kind;
  for (const std::string& input : arguments.inputs) {
    if (kind && kind_by_name(input) != *kind) {
      fail_usage("--input", "tables, JSON lines and plain text cannot be mixed",
                 "read them one after the other, or say which with --input-format");
    }
    kind = kind_by_name(input);
  }
  return kind.value_or(InputKind::kText);
}

std::vector<RequestTable> request_tables(const StreamArguments& arguments) {
  // A table is read twice: for its header and for its rows.
  const auto& inputs = arguments.inputs;
  if (inputs.empty() || std::find(inputs.begin(), inputs.end(), "-") != inputs.end()) {
    fail_usage("--input", "tables are read from files, not from standard input",
               "name them, or give --input-format text");
  }
  const bool columns = !arguments.text_column.empty() || !arguments.pair_column.empty();
  std::optional<TaskConfig> run;
  if (arguments.task.empty() && !columns && !arguments.no_header) {
    run = arguments.fine_tuned_on;
  }
  std::string task = arguments.task;
  TableLayout layout;
  if (run && !is_own_data(*run)) {
    task = run->name;
  } else if (run) {
    layout = layout_of_columns(run->text_column, run->text_pair_column, run->header);
  } else if (task.empty()) {
    layout = layout_of_columns(arguments.text_column.empty() ? "text" : arguments.text_column,
                               arguments.pair_column, !arguments.no_header);
  }
  std::vector<RequestTable> tables;
  for (const std::string& path : arguments.inputs) {
    if (!task.empty()) layout = labelled_file(find_task(task), path).layout;
    tables.push_back({path, layout});
  }
  return tables;
}

}  // namespace linformer
