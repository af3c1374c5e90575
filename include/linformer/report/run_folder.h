#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linformer/config/resume_rules.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

/// kRunning: a process holds the lock. kFinished: trained to its end, and for fine-tuning measured.
/// kStopped: saved after a signal or at the end of a session. kFailed: ended with an error, or
/// without a word (killed). A stopped or failed run continues with its command.
enum class RunStatus { kRunning, kFinished, kStopped, kFailed };

/// "running", "finished", "stopped", "failed"
std::string name_of(RunStatus status);

/// The best evaluation.
struct RunScore {
  std::string name;  ///< "valid_perplexity", or the deciding metric of the task: "valid_accuracy"
  double value = 0.0;
  int64_t step = 0;
};

/// What the newest checkpoint says about the run.
struct RunCheckpoint {
  int64_t step = 0;
  Settings settings;                   ///< compared_settings(); empty in earlier versions
  std::string train_data, valid_data;  ///< fingerprints, in hexadecimal digits
};

/// A run as its folder shows it.
struct RunFolder {
  std::string path;
  RunKind kind = RunKind::kPretraining;
  RunStatus status = RunStatus::kStopped;
  std::string reason;  ///< of the status, in words; "" = nothing to add
  int64_t step = 0;    ///< of the last line of the log
  std::optional<int64_t> total_steps;
  int64_t tokens = 0;
  double seconds = 0.0;        ///< of training, all sessions
  std::optional<double> loss;  ///< the last one of training
  std::optional<RunScore> best;
  std::string device, precision;
  double age_seconds = 0.0;  ///< since anything was last written

  std::vector<std::pair<std::string, std::string>> settings;  ///< of config.yaml, in its order
  std::vector<LogRecord> training;     ///< lines of log.jsonl with the training loss, by steps
  std::vector<LogRecord> evaluations;  ///< lines with held-out values, by steps
  std::vector<LogRecord> incidents;    ///< lines with an event: skipped, rolled_back, passed_over
  std::vector<LogRecord> journal;      ///< journal.jsonl; empty in earlier versions
  std::optional<RunCheckpoint> checkpoint;

  /// "" without such a key.
  std::string setting(const std::string& key) const;
};

/// Whether a folder is that of a run: it has config.yaml and a log, a journal or checkpoints.
bool is_run_folder(const std::string& folder);

/// The run folders at or below `folder`, sorted. A run folder's own subfolders are not searched,
/// and neither are links. Throws UsageError if there is no such folder.
std::vector<std::string> find_run_folders(const std::string& folder);

/// Who reads. The process that holds the lock of the run does not take it for running.
enum class RunReader { kOutside, kOwner };

/// Reads a run folder, also while the run goes on. Throws UsageError if it is none, RunError if a
/// file cannot be read.
RunFolder read_run_folder(const std::string& folder, RunReader reader = RunReader::kOutside);

/// Reads log.jsonl alone: the lines, step, tokens, seconds and loss. For the run itself.
RunFolder read_run_log(const std::string& folder);

/// The values of a run's lines over its steps or tokens; lines without both are left out.
struct RunCurve {
  std::vector<double> x, y;
};
RunCurve curve_of(const std::vector<LogRecord>& lines, const std::string& x, const std::string& y);

/// A value in the last of the lines that has it.
std::optional<double> last_of(const std::vector<LogRecord>& lines, const std::string& name);

}  // namespace linformer
