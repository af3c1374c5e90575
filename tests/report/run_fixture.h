#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

/// What a folder of a run is written with. Its training loss falls from `loss` by 0.01 a step.
struct RunSpec {
  std::string seed = "1";
  std::string hidden_size = "128";
  int64_t steps = 100;            ///< of max_steps 100
  int64_t every = 50;             ///< steps between evaluations
  double loss = 6.0;              ///< of training at step 0; held out it is 0.5 higher
  std::string end = "finished";   ///< the reason; "" = the journal has no end
  std::string train_data = "17";  ///< fingerprint in the checkpoint
};

/// Writes config.yaml, log.jsonl, journal.jsonl and a checkpoint as a trainer does: a line every 10
/// steps, with the mean loss of these steps.
inline std::string write_run(const std::string& folder, const RunSpec& spec = {}) {
  make_directories(folder + "/checkpoints/latest/training");
  write_bytes(folder + "/config.yaml",
              "run: {dir: " + folder + ", seed: " + spec.seed +
                  ", device: auto}\nmodel: {hidden_size: " + spec.hidden_size +
                  "}\ntraining: {max_steps: 100, precision: fp32}\n");
  std::string log, journal;
  const auto add = [](std::string& file, const LogRecord& record) {
    file += to_json_line(record) + "\n";
  };
  add(journal, {{"time", "2026-01-02T03:04:05Z"},
                {"event", "started"},
                {"step", 0},
                {"total_steps", 100},
                {"device", "cpu"},
                {"precision", "fp32"},
                {"machine", "a machine"},
                {"version", "0.1.0"},
                {"command", "linformer-train --config a.yaml"}});
  for (int64_t step = 10; step <= spec.steps; step += 10) {
    const double middle = static_cast<double>(step) - 4.5;  // of the steps since the last line
    add(log, {{"step", step},
              {"tokens", step * 1000},
              {"loss", spec.loss - 0.01 * middle},
              {"learning_rate", 1e-3},
              {"tokens_per_second", 2000.0 + static_cast<double>(step)},
              {"elapsed_seconds", static_cast<double>(step)}});
    if (step % spec.every != 0) continue;
    const double held_out = spec.loss + 0.5 - 0.01 * static_cast<double>(step);
    add(log, {{"step", step},
              {"tokens", step * 1000},
              {"valid_loss", held_out},
              {"valid_perplexity", std::exp(held_out)},
              {"elapsed_seconds", static_cast<double>(step) + 0.5}});
    add(journal,
        {{"time", "2026-01-02T03:05:05Z"}, {"event", "saved"}, {"step", step}, {"best", true}});
  }
  if (!spec.end.empty()) {
    add(journal, {{"time", "2026-01-02T03:06:05Z"},
                  {"event", "ended"},
                  {"step", spec.steps},
                  {"reason", spec.end}});
  }
  write_bytes(folder + "/log.jsonl", log);
  write_bytes(folder + "/journal.jsonl", journal);
  write_bytes(folder + "/checkpoints/latest/training/state.json",
              R"({"step": )" + std::to_string(spec.steps) + R"(, "data_fingerprint": )" +
                  spec.train_data + R"(, "held_out_fingerprint": 18, "settings": {"run.seed": ")" +
                  spec.seed + R"(", "model.hidden_size": ")" + spec.hidden_size +
                  R"(", "training.precision": "fp32"}})");
  return folder;
}

}  // namespace linformer
