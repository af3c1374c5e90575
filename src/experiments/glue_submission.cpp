#include "linformer/experiments/glue_submission.h"

#include "linformer/core/error.h"
#include "linformer/data/table_reader.h"
#include "linformer/data/task_registry.h"

namespace linformer {

std::vector<SubmissionSheet> glue_sheets() {
  std::vector<SubmissionSheet> sheets;
  for (const TaskSpec& task : known_tasks()) {
    for (const SplitSpec& split : task.splits) {
      if (split.submission_file.empty()) continue;
      SubmissionSheet sheet;
      sheet.file = split.submission_file;
      sheet.task = task.name;
      sheet.split = split.name;
      sheet.num_rows = split.submission_rows;
      sheet.labels = task.label_names();
      sheet.min_score = task.min_score;
      sheet.max_score = task.max_score;
      sheets.push_back(std::move(sheet));
    }
  }
  return sheets;
}

void fill_sheet(SubmissionSheet& sheet, const std::string& predictions_path) {
  TableReader reader(predictions_path, TableOptions{}, {{Column("prediction")}});
  sheet.predictions.clear();
  while (const std::optional<TableRow> row = reader.next()) {
    const bool readable = row->problem.empty() && !row->fields[0].empty();
    if (!readable) {
      fail_run(reader.where(row->line),
               row->problem.empty() ? "the prediction is empty" : row->problem,
               "predict the test set again");
    }
    sheet.predictions.push_back(row->fields[0]);
  }
  sheet.filled = true;
  sheet.source = predictions_path;
}

SubmissionSheet& find_sheet(std::vector<SubmissionSheet>& sheets, const std::string& task,
                            const std::string& split) {
  std::string known;
  for (SubmissionSheet& sheet : sheets) {
    if (sheet.task == task && sheet.split == split) return sheet;
    known += (known.empty() ? "" : ", ") + sheet.task + " " + sheet.split;
  }
  fail_usage("submission", "the leaderboard has no file for " + task + " " + split,
             "it has: " + known);
}

}  // namespace linformer
