#include "linformer/experiments/experiment_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "linformer/config/config_file.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/data/task_registry.h"
#include "linformer/nn/model_cost.h"
#include "linformer/report/html_text.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostRuns = 100000;
constexpr size_t kShownName = 60;  // characters of a wrong name in its message
/// For the cost of a run before its tokenizer exists.
constexpr int64_t kTypicalVocabulary = 16000;

std::string list_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

[[noreturn]] void fail_unknown(const std::string& where, const std::string& what,
                               const std::string& name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  fail_usage(where, what + " '" + name + "' is not known",
             (nearest.empty() ? "" : "did you mean " + nearest + "? ") + std::string("known: ") +
                 list_names(known));
}

/// Which numbers a setting takes.
struct NumberRange {
  double lowest = 0.0, highest = 0.0;
  bool whole = false;
};
constexpr NumberRange kSeedCounts{1.0, 1e9, true};
constexpr NumberRange kVocabularies{1.0, 1e8, true};
constexpr NumberRange kEstimatedSeconds{0.0, 1e9, false};

/// The value of a setting that is a template, as a number.
double number_of(const std::string& text, const TemplateValues& values, const RunTemplate& run,
                 const std::string& key, const NumberRange& range) {
  const std::string expanded = expand_template(text, values, run.place);
  double value = 0.0;
  const auto [end, error] =
      std::from_chars(expanded.data(), expanded.data() + expanded.size(), value);
  const bool read = error == std::errc() && end == expanded.data() + expanded.size();
  // A number that is not finite is in no range.
  if (!read || !(value >= range.lowest && value <= range.highest) ||
      (range.whole && value != std::floor(value))) {
    fail_usage(run.place, key + " of " + run.name + " is '" + expanded + "'",
               std::string("give a ") + (range.whole ? "whole " : "") + "number, at least " +
                   format_number(range.lowest) + " and at most " + format_number(range.highest));
  }
  return value;
}

/// The settings of a run without places, threads and what only concerns saving and logging.
template <class Config>
std::string comparable(Config config) {
  config.run.dir.clear();
  config.run.init_from.clear();
  config.run.threads = 0;
  config.checkpoint = {};
  config.logging = {};
  return settings_text(fields_of(config));
}

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options) {}

  ExperimentPlan make() {
    read_files();
    for (const ExperimentFile& experiment : all_) {
      for (const RunTemplate& run : experiment.runs) {
        if (run.scales.empty() ||
            std::count(run.scales.begin(), run.scales.end(), plan_.scale.name))
          add_runs(experiment, run);
      }
    }
    choose();
    return std::move(plan_);
  }

 private:
  void read_files() {
    const fs::path folder = options_.experiments;
    if (!fs::is_directory(folder)) {
      fail_usage("--experiments", options_.experiments + " is not a folder",
                 "start the program in the project's folder, or name its configs/experiments");
    }
    const fs::path report = folder / (options_.report + ".yaml");
    if (!fs::exists(report)) {
      fail_usage("--experiments", options_.experiments + " has no " + options_.report + ".yaml",
                 "name the project's configs/experiments");
    }
    plan_.report = read_report_file(report.string());
    const std::vector<std::string> scales = known_scales(options_.experiments);
    if (!std::count(scales.begin(), scales.end(), options_.scale)) {
      fail_unknown("--scale", "the scale", options_.scale, scales);
    }
    plan_.scale = read_scale_file((folder / "scales" / options_.scale / "scale.yaml").string(),
                                  options_.scale);
    take_values_of_configuration();
    plan_.num_seeds = options_.num_seeds > 0 ? options_.num_seeds : plan_.scale.num_seeds;
    for (const std::string& name : plan_.report.experiments) {
      all_.push_back(read_experiment_file((folder / (name + ".yaml")).string(), name));
    }
    for (const std::string& name : options_.only) {
      const auto& known = plan_.report.experiments;
      if (!std::count(known.begin(), known.end(), name)) {
        fail_unknown("--only", "the experiment", name, known);
      }
    }
  }

  /// {n}, {k} and {batch} are those of the scale's configuration.
  void take_values_of_configuration() {
    const PretrainConfig config = load_config<PretrainConfig>(
        plan_.scale.pretraining, {quoted_assignment("run.dir", options_.output)});
    const auto set = [&](const std::string& name, int64_t value) {
      plan_.scale.values.emplace(name, std::vector<std::string>{std::to_string(value)});
    };
    set("n", config.model.max_sequence_length);
    set("k", config.model.projected_lengths(0).front());
    set("batch", config.training.global_batch_size);
    set("micro_batch", config.training.micro_batch_size);
  }

  bool is_chosen(const std::string& experiment) const {
    return options_.only.empty() ||
           std::count(options_.only.begin(), options_.only.end(), experiment) > 0;
  }

  [[noreturn]] static void fail_too_many(const RunTemplate& run) {
    fail_usage(run.place, "these are more than " + format_count(kMostRuns) + " runs",
               "use fewer values or seeds");
  }

  /// Every combination of a run's variables, and the scale's values with each.
  std::vector<TemplateValues> combinations(const RunTemplate& run) const {
    std::vector<TemplateValues> all{plan_.scale.values};
    for (const auto& [variable, listed] : run.each) {
      std::vector<TemplateValues> longer;
      for (const TemplateValues& before : all) {
        for (const std::string& value : axis_values(listed, before, run)) {
          if (longer.size() >= static_cast<size_t>(kMostRuns)) fail_too_many(run);
          longer.push_back(before);
          longer.back()[variable] = {value};
        }
      }
      all = std::move(longer);
    }
    return all;
  }

  /// The values of a variable; {name} alone stands for all values of that name.
  static std::vector<std::string> axis_values(const std::vector<std::string>& listed,
                                              const TemplateValues& values,
                                              const RunTemplate& run) {
    std::vector<std::string> result;
    for (const std::string& item : listed) {
      const bool is_name =
          item.size() > 2 && item.front() == '{' && item.find('}') == item.size() - 1;
      const auto found = is_name ? values.find(item.substr(1, item.size() - 2)) : values.end();
      if (found != values.end()) {
        result.insert(result.end(), found->second.begin(), found->second.end());
      } else {
        result.push_back(expand_template(item, values, run.place));
      }
    }
    return result;
  }

  void add_runs(const ExperimentFile& experiment, const RunTemplate& run) {
    for (const TemplateValues& values : combinations(run)) {
      int64_t seeds = plan_.num_seeds;
      if (!run.num_seeds.empty()) {
        seeds = std::min(seeds, static_cast<int64_t>(
                                    number_of(run.num_seeds, values, run, "seeds", kSeedCounts)));
      }
      for (int64_t seed = 1; seed <= seeds; ++seed) add_run(experiment, run, values, seed);
    }
  }

  void add_run(const ExperimentFile& experiment, const RunTemplate& run,
               const TemplateValues& values, int64_t seed) {
    PlannedRun planned;
    planned.type = run.type;
    planned.experiment = experiment.name;
    planned.name = expand_template(run.name, values, run.place);
    if (!is_run_name(planned.name)) {
      fail_usage(run.place,
                 "the run '" + run.name + "' becomes '" +
                     printable_text(planned.name).substr(0, kShownName) + "', which is not a name",
                 "use values of letters, digits and any of -_. in names; they become folders");
    }
    planned.label = expand_template(run.label, values, run.place);
    planned.seed = seed;
    planned.values = values;
    planned.alone = run.alone;
    planned.folder = options_.output + "/runs/" + planned.id();
    std::string model_hash;
    if (!run.model.empty()) {
      planned.model = find_model(experiment, run, values, seed);
      model_hash = plan_.runs[*planned.model].hash;
    }
    if (!index_.emplace(planned.id(), plan_.runs.size()).second) {
      fail_usage(run.place, "there are two runs named " + experiment.name + "/" + planned.name,
                 "give the name all variables of `each`, e.g. name: " + run.name + "-{variable}");
    }
    if (plan_.runs.size() >= kMostRuns) {
      fail_too_many(run);
    }
    if (run.type == RunType::kPretraining) resolve_pretraining(run, planned);
    if (run.type == RunType::kFinetuning) resolve_finetuning(run, planned);
    if (run.type == RunType::kMeasurement) resolve_measurement(run, planned);
    if (run.type != RunType::kPretraining) {
      planned.seconds = number_of(run.seconds, values, run, "seconds", kEstimatedSeconds);
    }
    if (!model_hash.empty()) planned.settings += "model: " + model_hash + "\n";
    planned.hash = to_hex(xxh3(planned.settings));
    plan_.runs.push_back(std::move(planned));
  }

  size_t find_model(const ExperimentFile& experiment, const RunTemplate& run,
                    const TemplateValues& values, int64_t seed) const {
    std::string name = expand_template(run.model, values, run.place);
    if (name.find('/') == std::string::npos) name = experiment.name + "/" + name;
    const auto found = index_.find(name + "/seed-" + std::to_string(seed));
    if (found != index_.end()) {
      if (plan_.runs[found->second].type != RunType::kMeasurement) return found->second;
      fail_usage(run.place, "the model '" + name + "' is a measurement, which trains none",
                 "name a run of pretraining or finetuning");
    }
    if (index_.count(name + "/seed-1")) {
      fail_usage(run.place, "the model '" + name + "' has no seed " + std::to_string(seed),
                 "give this run as few `seeds` as that one, or that one more");
    }
    std::set<std::string> known;
    for (const PlannedRun& each : plan_.runs) {
      if (each.seed == seed && each.type != RunType::kMeasurement) {
        known.insert(each.experiment + "/" + each.name);
      }
    }
    if (known.empty()) {
      fail_usage(run.place, "the model '" + name + "' is not known",
                 "name a run that stands before this one; none trains a model there");
    }
    fail_unknown(run.place, "the model", name, {known.begin(), known.end()});
  }

  /// A training program with the run's settings, seed and folder.
  static std::vector<std::string> training_command(const std::string& program,
                                                   const std::string& config,
                                                   const RunTemplate& run,
                                                   const PlannedRun& planned) {
    std::vector<std::string> command{program, "--config", config, "--set"};
    for (const std::string& setting : run.set) {
      command.push_back(expand_template(setting, planned.values, run.place));
    }
    command.push_back("run.seed=" + std::to_string(planned.seed));
    command.push_back(quoted_assignment("run.dir", planned.folder));
    return command;
  }

  /// The configuration that a command reads, with errors that name the run.
  template <class Load>
  auto resolve(const RunTemplate& run, const std::vector<std::string>& command,
               const Load& load) const {
    const std::vector<std::string> set(command.begin() + 4, command.end());
    try {
      return load(command[2], set);
    } catch (const UsageError& error) {
      fail_usage(run.place, "the configuration of " + run.name + " is refused:\n  " + error.what(),
                 "change `set` of this run, or " + command[2]);
    }
  }

  void resolve_pretraining(const RunTemplate& run, PlannedRun& planned) const {
    const std::vector<std::string> command =
        training_command("linformer-train", plan_.scale.pretraining, run, planned);
    PretrainConfig config = resolve(run, command, [](const auto& path, const auto& set) {
      return load_config<PretrainConfig>(path, set);
    });
    planned.commands = {command};
    planned.settings = comparable(config);
    if (config.model.vocab_size == 0) {
      config.model.vocab_size =
          planned.values.count("vocab_size")
              ? static_cast<int64_t>(
                    number_of("{vocab_size}", planned.values, run, "vocab_size", kVocabularies))
              : kTypicalVocabulary;
    }
    planned.tokens = config.planned_steps().value_or(0) * config.tokens_per_step();
    planned.flops = static_cast<double>(planned.tokens) *
                    model_flops_per_token(config.model, config.data.mlm_probability);
  }

  void resolve_finetuning(const RunTemplate& run, PlannedRun& planned) const {
    std::vector<std::string> command =
        training_command("linformer-finetune", plan_.scale.finetuning, run, planned);
    command.push_back(quoted_assignment("run.init_from", plan_.runs[*planned.model].folder));
    const FinetuneConfig config = resolve(run, command, [](const auto& path, const auto& set) {
      return load_finetune_config(path, set, recipe_of_task);
    });
    planned.commands = {command};
    planned.settings = comparable(config);
  }

  void resolve_measurement(const RunTemplate& run, PlannedRun& planned) const {
    int number = 0;
    for (const auto& words : run.commands) {
      // The settings name the model by its hash, and no folder.
      TemplateValues typed = planned.values, compared = planned.values;
      typed["folder"] = {planned.folder};
      compared["folder"] = {"FOLDER"};
      if (planned.model) {
        typed["checkpoint"] = {plan_.runs[*planned.model].folder};
        compared["checkpoint"] = {"CHECKPOINT"};
      }
      std::vector<std::string>& command = planned.commands.emplace_back();
      std::string line;
      for (const std::string& word : words) {
        add_words(expand_template(word, typed, run.place), word, command);
        line += (line.empty() ? "" : " ") + expand_template(word, compared, run.place);
      }
      planned.settings += "command." + std::to_string(++number) + ": " + line + "\n";
    }
  }

  /// A value such as "512 1024" becomes several words; the path of a folder stays one.
  static void add_words(const std::string& text, const std::string& word,
                        std::vector<std::string>& command) {
    if (word.find("{folder}") != std::string::npos ||
        word.find("{checkpoint}") != std::string::npos) {
      command.push_back(text);
      return;
    }
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (end > begin) command.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  /// Keeps the runs of the chosen experiments and those whose models they need, and finds equal
  /// ones among them.
  void choose() {
    std::vector<bool> kept(plan_.runs.size(), false);
    for (size_t i = plan_.runs.size(); i-- > 0;) {
      plan_.runs[i].chosen = is_chosen(plan_.runs[i].experiment);
      kept[i] = kept[i] || plan_.runs[i].chosen;
      if (kept[i] && plan_.runs[i].model) kept[*plan_.runs[i].model] = true;
    }
    std::vector<PlannedRun> runs;
    std::map<size_t, size_t> moved;
    std::map<std::string, size_t> by_hash;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!kept[i]) continue;
      PlannedRun& run = plan_.runs[i];
      if (run.model) run.model = moved.at(*run.model);
      moved[i] = runs.size();
      const auto [first, is_new] = by_hash.emplace(run.hash, runs.size());
      if (!is_new) run.same_as = first->second;
      runs.push_back(std::move(run));
    }
    plan_.runs = std::move(runs);
    for (ExperimentFile& experiment : all_) {
      if (is_chosen(experiment.name)) plan_.experiments.push_back(std::move(experiment));
    }
  }

  const PlanOptions& options_;
  ExperimentPlan plan_;
  std::vector<ExperimentFile> all_;
  std::map<std::string, size_t> index_;
};

}  // namespace

std::string PlannedRun::id() const {
  return experiment + "/" + name + "/seed-" + std::to_string(seed);
}

ExperimentPlan make_plan(const PlanOptions& options) {
  return Planner(options).make();
}

bool matches_pattern(const std::string& name, const std::string& pattern) {
  size_t n = 0, p = 0;
  size_t star = std::string::npos, tried = 0;  // the last star, and where its text ends so far
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string::npos;
}

std::vector<std::string> known_scales(const std::string& experiments) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(experiments) / "scales", error)) {
    if (fs::exists(entry.path() / "scale.yaml")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace linformer
