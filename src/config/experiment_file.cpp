#include "linformer/config/experiment_file.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "yaml_section.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

constexpr int64_t kMostSeeds = 1000;
/// File systems take names of 255 bytes; temporary files beside a run have longer ones.
constexpr size_t kLongestName = 128;

/// Names become folders and parts of addresses on the page.
void check_name(const YamlSection& section, const std::string& key, const std::string& name,
                const std::string& also_allowed) {
  if (is_run_name(name, also_allowed)) return;
  section.fail(key, "'" + name + "' is not a name",
               "use letters, digits and any of " + also_allowed);
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

RunTemplate read_run(RunType type, YamlSection& section) {
  RunTemplate run;
  run.type = type;
  run.name = section.text("name");
  check_name(section, "name", run.name, "-_.{}");
  run.label = section.text_or("label", run.name);
  run.place = section.place("name");
  run.each = section.lists("each");
  for (const auto& [variable, values] : run.each) {
    if (values.empty()) section.fail("each", variable + " has no values", "give at least one");
  }
  run.scales = section.list("scales");
  run.num_seeds = section.text_or("seeds", "");
  if (type != RunType::kMeasurement) run.set = section.list("set");
  if (type != RunType::kPretraining) {
    run.model = section.text_or("model", "");
    run.seconds = section.text_or("seconds", run.seconds);
  }
  if (type == RunType::kFinetuning && run.model.empty()) {
    section.fail("model", "is missing", "name the run whose model is fine-tuned");
  }
  if (type == RunType::kMeasurement) {
    for (const std::string& command : section.list("commands")) {
      run.commands.push_back(split_words(command));
      if (run.commands.back().empty()) {
        section.fail("commands", "has an empty command", "remove it");
      }
    }
    if (run.commands.empty()) {
      section.fail("commands", "is missing", "give at least one command that prints JSON");
    }
    run.alone = section.flag("alone");
  }
  return run;
}

PanelSpec read_panel(YamlSection& section) {
  PanelSpec panel;
  panel.kind = section.text("kind");
  panel.title = section.text("title");
  panel.place = section.place("kind");
  panel.note = section.text_or("note", "");
  panel.runs = section.list("runs");
  panel.baseline = section.text_or("baseline", "");
  panel.margin = section.number_or("margin", 0.0, 0.0);
  for (const char* key : {"x", "rows", "columns", "value", "published"}) {
    if (section.has(key)) panel.options[key] = section.text(key);
    section.text_or(key, "");  // known, present or not
  }
  return panel;
}

PublishedTable read_published(YamlSection& section) {
  PublishedTable table;
  table.source = section.text("source");
  table.columns = section.list("columns");
  table.rows = section.table("rows");
  if (table.columns.empty()) {
    section.fail("columns", "is missing", "name the columns of the table");
  }
  for (const auto& row : table.rows) {
    if (row.size() != table.columns.size()) {
      section.fail("rows",
                   "has a row of " + std::to_string(row.size()) + " values for " +
                       std::to_string(table.columns.size()) + " columns",
                   "write - for a value that was not published");
    }
  }
  return table;
}

}  // namespace

bool is_run_name(const std::string& text, const std::string& also_allowed) {
  return !text.empty() && text.size() <= kLongestName && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [&](const char c) {
           return std::isalnum(static_cast<unsigned char>(c)) ||
                  also_allowed.find(c) != std::string::npos;
         });
}

std::string expand_template(const std::string& text, const TemplateValues& values,
                            const std::string& where) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t close = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (close == std::string::npos) {
      result += text[i++];
      continue;
    }
    const std::string name = text.substr(i + 1, close - i - 1);
    const auto found = values.find(name);
    if (found == values.end() || found->second.size() != 1) {
      std::vector<std::string> names;
      for (const auto& [known, its_values] : values) {
        if (its_values.size() == 1) names.push_back(known);
      }
      const std::string nearest = nearest_name(name, names);
      std::string known = "known here:";
      for (const std::string& each : names) known += " " + each;
      fail_usage(where,
                 "{" + name + "} in '" + text + "' " +
                     (found == values.end() ? "is not known" : "has several values"),
                 nearest.empty() ? known : "did you mean {" + nearest + "}?");
    }
    result += found->second.front();
    i = close + 1;
  }
  return result;
}

ScaleFile read_scale_file(const std::string& path, const std::string& name) {
  ScaleFile scale;
  scale.name = name;
  scale.path = path;
  read_yaml_sections(path, [&](YamlSection& section) {
    scale.about = section.text("about");
    scale.cost = section.text("cost");
    // Configuration files lie beside the scale.
    const auto beside = [&](const std::string& key) {
      return (std::filesystem::path(path).parent_path() / section.text(key))
          .lexically_normal()
          .string();
    };
    scale.pretraining = beside("pretraining");
    scale.finetuning = beside("finetuning");
    scale.num_seeds = section.whole_number_or("seeds", 1, 1);
    if (scale.num_seeds > kMostSeeds) section.fail("seeds", "are too many", "give at most 1000");
    scale.automatic = section.flag("automatic");
    section.sections("prepare", [&](YamlSection& step) {
      // A list of words may hold blanks, a text is split at them.
      std::vector<std::string> command = step.list("command");
      if (command.size() == 1) command = split_words(command.front());
      if (command.empty()) step.fail("command", "is empty", "give a program and its arguments");
      scale.prepare.push_back({step.text("creates"), std::move(command)});
    });
    for (auto& [key, values] : section.lists("values")) scale.values[key] = values;
    scale.values["scale"] = {name};
  });
  return scale;
}

ExperimentFile read_experiment_file(const std::string& path, const std::string& name) {
  ExperimentFile experiment;
  experiment.name = name;
  experiment.path = path;
  read_yaml_sections(path, [&](YamlSection& section) {
    experiment.title = section.text("title");
    experiment.reference = section.text_or("reference", "");
    experiment.about = section.list("about");
    const std::vector<std::pair<std::string, RunType>> kinds{
        {"pretraining", RunType::kPretraining},
        {"finetuning", RunType::kFinetuning},
        {"measurements", RunType::kMeasurement}};
    for (const auto& [key, type] : kinds) {
      section.sections(key, [&, type = type](YamlSection& run) {
        experiment.runs.push_back(read_run(type, run));
      });
    }
    section.sections("panels",
                     [&](YamlSection& panel) { experiment.panels.push_back(read_panel(panel)); });
    section.named_sections("published", [&](const std::string& key, YamlSection& table) {
      experiment.published[key] = read_published(table);
    });
  });
  return experiment;
}

ReportFile read_report_file(const std::string& path) {
  ReportFile report;
  report.path = path;
  read_yaml_sections(path, [&](YamlSection& section) {
    report.title = section.text("title");
    report.about = section.list("about");
    report.experiments = section.list("experiments");
    std::set<std::string> seen;
    for (const std::string& name : report.experiments) {
      check_name(section, "experiments", name, "-_");
      if (!seen.insert(name).second) {
        section.fail("experiments", "has " + name + " twice", "remove one of the two");
      }
    }
    if (report.experiments.empty()) {
      section.fail("experiments", "is missing", "list the names of the experiments");
    }
  });
  return report;
}

}  // namespace linformer
