#include "linformer/report/run_folder.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "linformer/config/flat_yaml.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/file_lock.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/mark_file.h"
#include "linformer/core/missing_path.h"
#include "linformer/report/run_journal.h"
#include "linformer/report/task_result.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

/// Without locks, a run that wrote within this time is taken for running.
constexpr double kQuietSeconds = 600.0;

bool is_held_out(const std::string& name) {
  return name.starts_with("valid_");
}

int64_t step_of(const LogRecord& line) {
  return whole_in(line, "step");
}

/// log.jsonl keeps the steps that a run did before it was rolled back.
void drop_after(std::vector<LogRecord>& lines, int64_t step) {
  std::erase_if(lines, [&](const LogRecord& line) { return step_of(line) > step; });
}

void sort_lines(std::vector<LogRecord> lines, RunFolder& run) {
  for (LogRecord& line : lines) {
    if (const auto event = text_in(line, "event")) {
      if (*event == "rolled_back") {
        drop_after(run.training, step_of(line));
        drop_after(run.evaluations, step_of(line));
      }
      run.incidents.push_back(std::move(line));
    } else if (std::any_of(line.begin(), line.end(),
                           [](const auto& entry) { return is_held_out(entry.first); })) {
      run.evaluations.push_back(std::move(line));
    } else if (number_in(line, "loss") && number_in(line, "learning_rate")) {
      run.training.push_back(std::move(line));
    }
  }
}

/// The value by which evaluations of a run are compared: the metric of a task behind its loss.
std::string score_name(const RunFolder& run) {
  if (run.kind == RunKind::kPretraining) return "valid_perplexity";
  for (const LogRecord& line : run.evaluations) {
    for (const auto& [name, value] : line) {
      if (is_held_out(name) && name != "valid_loss") return name;
    }
  }
  return "valid_loss";
}

std::optional<RunScore> best_of(const RunFolder& run) {
  const std::string name = score_name(run);
  const bool low_is_good = name == "valid_perplexity" || name == "valid_loss";
  std::optional<RunScore> best;
  for (const LogRecord& line : run.evaluations) {
    const double value = number_in(line, name).value_or(std::nan(""));
    if (!std::isfinite(value)) continue;
    const bool better = !best || (low_is_good ? value < best->value : value > best->value);
    if (better) best = RunScore{name, value, step_of(line)};
  }
  return best;
}

std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The last line of the journal with one of these events.
const LogRecord* last_event(const RunFolder& run, const std::vector<std::string>& events) {
  for (auto line = run.journal.rbegin(); line != run.journal.rend(); ++line) {
    const std::string event = text_in(*line, "event").value_or("");
    if (std::find(events.begin(), events.end(), event) != events.end()) return &*line;
  }
  return nullptr;
}

/// Seconds since the newest of the files that a run writes.
double age_of(const std::string& folder) {
  std::optional<fs::file_time_type> newest;
  for (const char* name : {"config.yaml", "log.jsonl", "journal.jsonl", "result.json"}) {
    std::error_code error;
    const auto time = fs::last_write_time(folder + "/" + name, error);
    if (!error && (!newest || time > *newest)) newest = time;
  }
  if (!newest) return 0.0;
  const auto age = fs::file_time_type::clock::now() - *newest;
  return std::max(0.0, std::chrono::duration<double>(age).count());
}

bool is_over(const RunFolder& run) {
  return run.total_steps && run.step >= *run.total_steps;
}

/// Where nobody holds the lock.
void judge_idle_run(RunFolder& run) {
  const LogRecord* last = last_event(run, {"started", "ended", "failed"});
  if (!last) {  // an earlier version kept no journal
    run.status = is_over(run) ? RunStatus::kFinished : RunStatus::kStopped;
    return;
  }
  const std::string event = text_in(*last, "event").value_or("");
  if (event == "failed") {
    run.status = RunStatus::kFailed;
    run.reason = text_in(*last, "text").value_or("");
  } else if (event == "started") {
    run.status = RunStatus::kFailed;
    run.reason = "ended without a word after step " + format_count(run.step) +
                 ": killed, or the machine went down; its command continues it";
  } else {
    const std::string reason = text_in(*last, "reason").value_or("");
    const bool signal = reason == "signal";
    const bool saved = signal || reason == "session's end";
    run.status = saved ? RunStatus::kStopped : RunStatus::kFinished;
    if (saved) {
      run.reason = std::string("saved ") + (signal ? "after a signal" : "at the session's end") +
                   "; its command continues it";
    } else if (reason != "finished") {
      run.reason = reason;
    }
  }
}

void judge(RunFolder& run, RunReader reader) {
  const std::optional<bool> locked =
      reader == RunReader::kOwner ? std::optional(false) : is_file_locked(run.path + "/lock");
  judge_idle_run(run);
  const LogRecord* last = last_event(run, {"started", "ended", "failed"});
  const bool open = last && text_in(*last, "event") == "started";
  if (locked.value_or(open && run.age_seconds < kQuietSeconds)) {
    run.status = RunStatus::kRunning;
    run.reason.clear();
    return;
  }
  const bool measured =
      run.kind == RunKind::kPretraining || fs::exists(result_path(run.path)) || !last;
  if (run.status == RunStatus::kFinished && !measured) {
    run.status = RunStatus::kStopped;
    run.reason = "trained, but not measured; its command continues it";
  }
}

std::string hex_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? to_hex(found->get<uint64_t>()) : "";
}

/// The newest checkpoint; nothing if there is none that can be read. A running run may be replacing
/// it.
std::optional<RunCheckpoint> read_checkpoint(const std::string& folder) {
  std::string text;
  try {
    text = read_text_file(follow_marks(folder + "/checkpoints/latest") + "/training/state.json");
  } catch (const RunError&) {
    return std::nullopt;
  }
  const nlohmann::json json = parse_json<nlohmann::json>(text).value;
  if (!json.is_object()) return std::nullopt;
  RunCheckpoint checkpoint;
  if (const auto step = json.find("step"); step != json.end()) {
    checkpoint.step = whole_number_of(*step).value_or(0);
  }
  if (const auto settings = json.find("settings"); settings != json.end()) {
    for (const auto& [key, value] : settings->items()) {
      if (value.is_string()) checkpoint.settings[key] = value.get<std::string>();
    }
  }
  checkpoint.train_data = hex_of(json, "data_fingerprint");
  checkpoint.valid_data = hex_of(json, "held_out_fingerprint");
  return checkpoint;
}

}  // namespace

std::string name_of(RunStatus status) {
  switch (status) {
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kFinished:
      return "finished";
    case RunStatus::kStopped:
      return "stopped";
    case RunStatus::kFailed:
      return "failed";
  }
  return "";
}

std::string RunFolder::setting(const std::string& key) const {
  for (const auto& [name, value] : settings) {
    if (name == key) return value;
  }
  return "";
}

bool is_run_folder(const std::string& folder) {
  if (!fs::exists(folder + "/config.yaml")) return false;
  return fs::exists(folder + "/log.jsonl") || fs::exists(folder + "/checkpoints") ||
         fs::exists(RunJournal::path_in(folder));
}

std::vector<std::string> find_run_folders(const std::string& folder) {
  if (!fs::is_directory(folder)) {
    fail_usage(folder, "there is no such folder", "name a folder with runs, e.g. runs");
  }
  if (is_run_folder(folder)) return {folder};
  std::vector<std::string> found;
  std::error_code error;  // a folder that may not be read has no runs for this user
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_symlink() || !entry.is_directory()) continue;
    const std::vector<std::string> below = find_run_folders(entry.path().string());
    found.insert(found.end(), below.begin(), below.end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

RunFolder read_run_log(const std::string& folder) {
  RunFolder run;
  run.path = folder;
  sort_lines(read_json_lines(folder + "/log.jsonl"), run);
  for (const std::vector<LogRecord>* lines : {&run.training, &run.evaluations}) {
    if (lines->empty()) continue;
    run.step = std::max(run.step, step_of(lines->back()));
    for (const LogRecord& line : *lines)
      run.tokens = std::max(run.tokens, whole_in(line, "tokens"));
    run.seconds = std::max(run.seconds, last_of(*lines, "elapsed_seconds").value_or(0.0));
  }
  if (!run.training.empty()) run.loss = number_in(run.training.back(), "loss");
  return run;
}

RunFolder read_run_folder(const std::string& folder, RunReader reader) {
  if (!is_run_folder(folder)) {
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) {
      fail_missing(folder, "there is no such run folder",
                   "linformer-report list names the run folders");
    }
    fail_usage(folder, "is no run folder: it needs config.yaml and log.jsonl or checkpoints",
               "linformer-report list names the run folders");
  }
  RunFolder run = read_run_log(folder);
  run.settings = read_flat_yaml(folder + "/config.yaml");
  run.kind = run.setting("task.name").empty() ? RunKind::kPretraining : RunKind::kFinetuning;
  run.journal = read_json_lines(RunJournal::path_in(folder));
  run.checkpoint = read_checkpoint(folder);
  run.precision = run.setting("training.precision");
  run.device = run.setting("run.device");
  run.total_steps = whole_number(run.setting("training.max_steps"));
  if (const LogRecord* session = last_event(run, {"started"})) {
    run.device = text_in(*session, "device").value_or(run.device);
    run.precision = text_in(*session, "precision").value_or(run.precision);
    if (number_in(*session, "total_steps")) run.total_steps = whole_in(*session, "total_steps");
  }
  if (run.checkpoint) run.step = std::max(run.step, run.checkpoint->step);
  run.best = best_of(run);
  run.age_seconds = age_of(folder);
  judge(run, reader);
  return run;
}

RunCurve curve_of(const std::vector<LogRecord>& lines, const std::string& x, const std::string& y) {
  RunCurve curve;
  for (const LogRecord& line : lines) {
    const std::optional<double> place = number_in(line, x), value = number_in(line, y);
    if (!place || !value) continue;
    curve.x.push_back(*place);
    curve.y.push_back(*value);
  }
  return curve;
}

std::optional<double> last_of(const std::vector<LogRecord>& lines, const std::string& name) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (const auto value = number_in(*line, name)) return value;
  }
  return std::nullopt;
}

}  // namespace linformer
