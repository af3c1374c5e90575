#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/experiments/experiment_plan.h"

namespace linformer {

/// A folder of experiments with one report: two pre-training runs on a grid, fine-tuning and a
/// measurement. Its programs are scripts, so that a plan is executed in a moment.
class ExperimentFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    write("experiments/paper.yaml", "title: A report\nexperiments: [curves, tasks]\n");
    write("experiments/scales/tiny/scale.yaml", R"(
about: A tiny scale.
cost: Nothing.
pretraining: pretraining.yaml
finetuning: finetuning.yaml
seeds: 2
values: {ks: [8, 16], few: 1}
)");
    write("experiments/scales/tiny/pretraining.yaml", R"(
run: {dir: runs/x}
tokenizer: {model: data/tokenizer.model}
data: {train: [data/train], valid: [data/valid]}
model:
  vocab_size: 1000
  hidden_size: 16
  num_hidden_layers: 1
  num_attention_heads: 2
  intermediate_size: 32
  max_sequence_length: 64
  attention: {projected_length: 16}
training: {max_steps: 10, global_batch_size: 4, micro_batch_size: 4}
)");
    write("experiments/scales/tiny/finetuning.yaml", "finetune: {epochs: 1}\n");
    write("experiments/curves.yaml", R"(
title: Curves
reference: Figure 3
pretraining:
  - {name: standard, label: "standard attention", set: [model.attention.type=standard]}
  - {name: "k{k}", label: "k = {k}", each: {k: "{ks}"}, set: ["model.attention.projected_length={k}"]}
panels:
  - {kind: curves, title: "n = {n}", runs: [standard, "k*"], baseline: standard, margin: 0.05}
)");
    write("experiments/tasks.yaml", R"(
title: Tasks
pretraining:
  - {name: same, label: "the same as k8", set: [model.attention.projected_length=8], seeds: "{few}"}
finetuning:
  - name: "{task}"
    each: {task: [rte, mrpc]}
    model: same
    seeds: "{few}"
    seconds: 7
    set: ["task.name={task}", task.data=glue]
measurements:
  - name: groups
    model: curves/k16
    seeds: "{few}"
    commands: ["linformer-eval perplexity --checkpoint {checkpoint} --json"]
panels:
  - {kind: tasks, title: Tasks, runs: [rte, mrpc], rows: n, columns: task}
)");
  }

  void write(const std::string& name, const std::string& text) const {
    const std::string path = file(name);
    make_directories(std::filesystem::path(path).parent_path().string());
    write_file_atomically(path, text);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }

  PlanOptions options(const std::vector<std::string>& only = {}, int64_t seeds = 0) const {
    PlanOptions options;
    options.experiments = file("experiments");
    options.output = file("out");
    options.only = only;
    options.num_seeds = seeds;
    return options;
  }

  static const PlannedRun& run_of(const ExperimentPlan& plan, const std::string& id) {
    for (const PlannedRun& run : plan.runs) {
      if (run.id() == id) return run;
    }
    throw std::logic_error("no run " + id);
  }
  static std::vector<std::string> ids_of(const ExperimentPlan& plan) {
    std::vector<std::string> ids;
    for (const PlannedRun& run : plan.runs) ids.push_back(run.id());
    return ids;
  }

  TemporaryFolder folder_;
};

}  // namespace linformer
