#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace linformer {

/// Values by name, e.g. n: [128], projected_lengths: [8, 16, 32]. In templates, {n} stands for a
/// name with one value.
using TemplateValues = std::map<std::string, std::vector<std::string>>;

/// Replaces each {name} by its value. Throws UsageError at `where` for an unknown name, or one with
/// several values.
std::string expand_template(const std::string& text, const TemplateValues& values,
                            const std::string& where);

/// Whether a text may name a folder and a part of the page: letters and digits of ASCII and the
/// characters of `also_allowed`, at most 128, with no dot at the front.
bool is_run_name(const std::string& text, const std::string& also_allowed = "-_.");

/// A command that makes what runs read.
struct PrepareStep {
  std::string creates;  ///< the file that exists once it is done
  std::vector<std::string> command;
};

/// One size at which all experiments can be run:
/// configs/experiments/scales/NAME/scale.yaml.
struct ScaleFile {
  std::string name, path;
  std::string about;        ///< a paragraph for the page
  std::string cost;         ///< what the whole report costs, in words, for --list and --dry-run
  std::string pretraining;  ///< configuration files of the runs
  std::string finetuning;
  int64_t num_seeds = 1;
  bool automatic = false;  ///< `prepare` needs nothing from outside
  std::vector<PrepareStep> prepare;
  TemplateValues values;
};

enum class RunType { kPretraining, kFinetuning, kMeasurement };

/// Runs that an experiment declares: one for each combination of `each`, and for each seed.
struct RunTemplate {
  RunType type = RunType::kPretraining;
  std::string name;   ///< with the variables of `each`, e.g. "k{k}"
  std::string label;  ///< on the page: "k = {k}"; the name if there is none
  std::string place;  ///< FILE:LINE:COLUMN
  /// Variables and their values. A value {name} stands for all values of that name.
  std::vector<std::pair<std::string, std::vector<std::string>>> each;
  std::vector<std::string> scales;  ///< at which it is run; empty = all
  std::string num_seeds = "";       ///< a template: at most so many seeds; "" = the report's

  std::vector<std::string> set;  ///< KEY=VALUE over the scale's configuration
  /// The run whose model is fine-tuned or measured: "run" of this experiment, or
  /// "experiment/run". Empty for a measurement that needs none.
  std::string model;
  /// Of a measurement: one after the other; the last one prints JSON. {checkpoint} is the model's
  /// run folder, {folder} that of the measurement.
  std::vector<std::vector<std::string>> commands;
  bool alone = false;         ///< nothing else may run beside it, since it measures time
  std::string seconds = "5";  ///< a template: an estimate; not used for pre-training
};

/// One figure or table of the page.
struct PanelSpec {
  std::string kind;   ///< curves, finals, over, matrix, spectrum, ... (docs/reproduction.md)
  std::string title;  ///< a template
  std::string note;
  std::string place;                           ///< FILE:LINE:COLUMN
  std::vector<std::string> runs;               ///< names or patterns with *
  std::string baseline;                        ///< the run that others are compared with
  double margin = 0.0;                         ///< of the equivalence test, 0.03 = 3 %; 0 = no test
  std::map<std::string, std::string> options;  ///< further keys, as the kind asks
};

/// A table of the publication.
struct PublishedTable {
  std::string source;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// A figure, table, theorem or question, with its runs: configs/experiments/NAME.yaml.
struct ExperimentFile {
  std::string name, path;
  std::string title;
  std::string reference;           ///< where the paper has it
  std::vector<std::string> about;  ///< paragraphs
  std::vector<RunTemplate> runs;
  std::vector<PanelSpec> panels;
  std::map<std::string, PublishedTable> published;
};

/// The list of experiments of a report, in the order of the page: configs/experiments/paper.yaml.
struct ReportFile {
  std::string title, path;
  std::vector<std::string> about;
  std::vector<std::string> experiments;
};

/// Each reads one file. They throw UsageError with file, line and column for unknown keys, missing
/// ones and wrong values.
ScaleFile read_scale_file(const std::string& path, const std::string& name);
ExperimentFile read_experiment_file(const std::string& path, const std::string& name);
ReportFile read_report_file(const std::string& path);

}  // namespace linformer
