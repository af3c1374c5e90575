#include "linformer/experiments/pretrain_sweep.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include <nlohmann/json.hpp>

#include "job_queue.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/metrics/statistics.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/report/run_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// Settings that make a run a different one: all but the number of threads.
std::string comparable(PretrainConfig config) {
  config.run.threads = 0;
  return settings_text(fields_of(config));
}

/// The held-out loss of a run that has trained to its end.
std::optional<double> final_loss(const std::string& folder) {
  if (!is_run_folder(folder)) return std::nullopt;
  const RunFolder run = read_run_folder(folder);
  if (run.status != RunStatus::kFinished) return std::nullopt;
  return last_of(run.evaluations, "valid_loss");
}

bool is_done(const PretrainConfig& config) {
  const std::string job = config.run.dir + "/job.yaml";
  if (!final_loss(config.run.dir) || !fs::exists(job)) return false;
  const auto before = load_config<PretrainConfig>(job);
  if (const auto changed = first_changed_setting(comparable(config), comparable(before))) {
    fail_usage(config.run.dir,
               "is done with other settings: " + changed->key + " is " + changed->value + ", was " +
                   changed->other,
               "choose another " + setting_name("run.dir") + ", or delete the folder");
  }
  return true;
}

/// Removes the models of all finished runs but the best.
void keep_best_model(const std::vector<SweepRun>& runs) {
  double lowest = std::numeric_limits<double>::infinity();
  const SweepRun* best = nullptr;
  std::vector<const SweepRun*> finished;
  for (const SweepRun& run : runs) {
    const std::optional<double> loss = final_loss(run.config.run.dir);
    if (!loss) continue;
    finished.push_back(&run);
    if (best != nullptr && !(*loss < lowest)) continue;
    best = &run;
    lowest = *loss;
  }
  for (const SweepRun* run : finished) {
    if (run != best) fs::remove_all(run->config.run.dir + "/checkpoints");
  }
}

}  // namespace

std::vector<SweepAxis> pretrain_sweep(const std::vector<std::string>& axes) {
  PretrainConfig config;
  const SweepKeys keys{
      {{"learning_rate", "training.learning_rate"}, {"batch", "training.global_batch_size"}},
      fields_of(config),
      "model.attention.projected_length"};
  return parse_sweep(axes, keys);
}

std::vector<SweepRun> plan_sweep(const PretrainSweepOptions& options) {
  std::vector<SweepRun> runs;
  const auto settings = combinations(options.sweep);
  std::vector<std::string> configured;
  for (const auto& setting : settings) {
    std::vector<std::string> overrides = options.overrides;
    overrides.push_back(quoted_assignment("run.dir", options.output));
    overrides.insert(overrides.end(), setting.begin(), setting.end());
    const auto config = load_config<PretrainConfig>(options.config, overrides);
    if (config.data.valid.empty()) {
      fail_usage("data.valid", "is empty, and the runs are compared by the held-out loss",
                 "name the shards of held-out text");
    }
    configured.push_back(comparable(config));
    const std::string name = setting_folder(setting);
    for (int64_t number = 0; number < options.num_seeds; ++number) {
      SweepRun run{name, setting, config};
      run.config.run.seed += number;
      run.config.run.dir = options.output + (name.empty() ? "" : "/" + name) + "/seed-" +
                           std::to_string(run.config.run.seed);
      run.done = is_done(run.config);
      runs.push_back(std::move(run));
    }
  }
  check_distinct(settings, configured);
  return runs;
}

bool is_finished(const SweepRun& run) {
  return final_loss(run.config.run.dir).has_value();
}

void check_data(const std::vector<SweepRun>& runs) {
  const SweepRun* opened = nullptr;
  for (const SweepRun& run : runs) {
    if (run.done || (opened != nullptr && run.setting == opened->setting)) continue;
    PretrainConfig config = run.config;
    if (!config.run.init_from.empty()) find_model_folder(config.run.init_from);
    open_pretraining_data(config);
    opened = &run;
  }
}

TableRows planned_table(const std::vector<SweepRun>& runs) {
  TableRows rows{{"run", "seed", "setting", "state"}};
  for (const SweepRun& run : runs) {
    std::string setting;
    for (const std::string& assignment : run.overrides) {
      setting += (setting.empty() ? "" : " ") + assignment;
    }
    rows.push_back({run.config.run.dir, std::to_string(run.config.run.seed),
                    setting.empty() ? "as configured" : setting,
                    planned_state(run.config.run.dir, run.done)});
  }
  return rows;
}

std::vector<FailedJob> run_sweep(const PretrainSweepOptions& options,
                                 const std::vector<SweepRun>& runs) {
  std::vector<QueuedRun> queue;
  for (const SweepRun& run : runs) {
    PretrainConfig config = run.config;
    config.run.threads = threads_of_run(config.run.threads, options);
    const auto finished = [&options, &runs,
                           folder = config.run.dir]() -> std::optional<std::string> {
      const std::optional<double> loss = final_loss(folder);
      if (!loss) return std::nullopt;
      if (!options.keep_models) keep_best_model(runs);
      return "held-out loss " + format_number(*loss) + ", perplexity " +
             format_number(std::exp(*loss));
    };
    queue.push_back({config.run.dir, dump_yaml(config), run.done, finished});
  }
  std::vector<FailedJob> failed;
  execute_runs(queue, options, failed);
  return failed;
}

std::vector<SweepRow> sweep_rows(const std::vector<SweepRun>& runs) {
  std::vector<SweepRow> rows;
  for (const SweepRun& run : runs) {
    const std::optional<double> loss = final_loss(run.config.run.dir);
    if (!loss) continue;
    if (rows.empty() || rows.back().setting != run.setting) rows.push_back({run.setting});
    SweepRow& row = rows.back();
    if (row.losses.empty() || *loss < *std::min_element(row.losses.begin(), row.losses.end())) {
      row.best = run.config.run.dir;
    }
    row.seeds.push_back(run.config.run.seed);
    row.losses.push_back(*loss);
  }
  for (SweepRow& row : rows) row.mean = mean_of(row.losses);
  std::stable_sort(rows.begin(), rows.end(), [](const SweepRow& a, const SweepRow& b) {
    if (std::isfinite(a.mean) != std::isfinite(b.mean)) return std::isfinite(a.mean);
    return a.mean < b.mean;
  });
  return rows;
}

TableRows sweep_table(const std::vector<SweepRow>& rows) {
  TableRows table{{"setting", "seeds", "held-out loss", "sd", "perplexity", "best run"}};
  for (const SweepRow& row : rows) {
    const bool several = row.losses.size() > 1;
    table.push_back({row.setting.empty() ? "as configured" : row.setting,
                     std::to_string(row.seeds.size()), format_fixed(row.mean, 4),
                     several ? format_fixed(sample_stddev(row.losses), 4) : "-",
                     format_number(std::exp(row.mean)), row.best});
  }
  return table;
}

std::string sweep_json(const std::vector<SweepRow>& rows) {
  using Json = nlohmann::ordered_json;
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  Json settings = Json::array();
  for (const SweepRow& row : rows) {
    Json losses = Json::array();
    for (const double loss : row.losses) losses.push_back(number(loss));
    settings.push_back({{"setting", row.setting},
                        {"seeds", row.seeds},
                        {"valid_loss", number(row.mean)},
                        {"valid_losses", losses},
                        {"standard_deviation", number(sample_stddev(row.losses))},
                        {"valid_perplexity", number(std::exp(row.mean))},
                        {"best_run", row.best}});
  }
  return json_text(Json{{"settings", settings}}, 2) + "\n";
}

}  // namespace linformer
