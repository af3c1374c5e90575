#pragma once

#include <string>
#include <vector>

#include "linformer/report/submission.h"

namespace linformer {

/// The eleven files of GLUE's leaderboard as the registry of tasks describes them, not filled:
/// CoLA.tsv, SST-2.tsv, MRPC.tsv, STS-B.tsv, QQP.tsv, MNLI-m.tsv, MNLI-mm.tsv, QNLI.tsv, RTE.tsv,
/// WNLI.tsv, AX.tsv.
std::vector<SubmissionSheet> glue_sheets();

/// Fills a sheet from the column `prediction` of a table that fine-tuning or `linformer-eval task
/// --predictions` wrote. Throws RunError for a row that cannot be read or is empty.
void fill_sheet(SubmissionSheet& sheet, const std::string& predictions_path);

/// Looks for the sheet of a task's split; throws UsageError if the leaderboard has none.
SubmissionSheet& find_sheet(std::vector<SubmissionSheet>& sheets, const std::string& task,
                            const std::string& split);

}  // namespace linformer
