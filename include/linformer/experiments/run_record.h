#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "linformer/experiments/experiment_plan.h"

namespace linformer {

/// The outcome of one planned run, with everything needed to do it again.
struct RunRecord {
  std::string id;              ///< EXPERIMENT/NAME/seed-N
  std::string type;            ///< pretraining, finetuning or measurement
  std::string hash, settings;  ///< as in PlannedRun
  int64_t seed = 1;
  std::vector<std::string> commands;
  std::string machine;   ///< processor, device, LibTorch
  std::string version;   ///< of these programs
  std::string finished;  ///< date, UTC
  int64_t threads = 0;
  int64_t jobs = 1;      ///< runs that shared the machine
  double seconds = 0.0;  ///< that all commands took
  std::string result;    ///< JSON: curve and final values, result.json, or what was printed
};

/// One held-out evaluation during a pre-training run.
struct CurvePoint {
  int64_t step = 0;
  int64_t tokens = 0;    ///< read so far
  double seconds = 0.0;  ///< of training, evaluations included
  double perplexity = 0.0;
};

/// Records by the hash of their settings.
using RunRecords = std::map<std::string, RunRecord>;

/// Where the record of a run lies: OUTPUT/records/ID.json.
std::string record_path(const std::string& output, const std::string& id);

/// One record as JSON and back. run_record_from_json() throws RunError, which names `path`, also if
/// the hash does not fit the settings.
std::string to_json(const RunRecord& record);
RunRecord run_record_from_json(const std::string& text, const std::string& path);

/// All records below OUTPUT/records; broken ones are left out with a warning.
RunRecords read_records(const std::string& output);
/// The records of a report's data file (report.json). Throws RunError.
RunRecords read_report_records(const std::string& path);

/// Adds records; they replace those of the same hash. Returns the ids of those whose results
/// differ.
std::vector<std::string> merge_records(RunRecords& records, const RunRecords& more);

/// The evaluations of a pre-training run, by step; empty for other runs. A point whose perplexity
/// is no number has NaN; points without a step are left out.
std::vector<CurvePoint> curve_of(const RunRecord& record);
/// A number in the result by the names and positions that lead to it ("perplexity",
/// "sets.0.metrics.accuracy"); nothing if there is no number.
std::optional<double> value_of(const RunRecord& record, const std::string& path);

/// What a finished run left in its folder, as `result` of its record. Pre-training: its curve and
/// last values from log.jsonl. Fine-tuning: result.json. Measurement: the JSON that its last
/// command printed. Throws RunError for a file that is missing or does not hold this.
std::string collect_result(const PlannedRun& run);

/// Where the last command of a measurement writes what it prints.
std::string output_path(const PlannedRun& run);

/// The processor, its cores, the device and LibTorch's version.
std::string machine_description();

}  // namespace linformer
