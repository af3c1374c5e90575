#include "linformer/experiments/needed_data.h"

#include <numeric>
#include <string>

namespace linformer {
namespace {

/// What a step makes, as settings and commands name it: a prefix of shards, a folder or a file.
std::string name_of_made(const PrepareStep& step) {
  for (const std::string ending : {"-00000.shard", "/README"}) {
    if (step.creates.ends_with(ending)) {
      return step.creates.substr(0, step.creates.size() - ending.size());
    }
  }
  return step.creates;
}

std::string text_of(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += word + " ";
  return text;
}

/// Which steps make what these runs read.
std::vector<bool> steps_of(const ExperimentPlan& plan, const std::vector<size_t>& runs) {
  std::string text;
  for (const size_t run : runs) {
    text += plan.runs[run].settings + "\n";
    for (const auto& command : plan.runs[run].commands) text += text_of(command) + "\n";
  }
  const std::vector<PrepareStep>& steps = plan.scale.prepare;
  std::vector<bool> wanted(steps.size(), false);
  // A step can only read what steps before it have made.
  for (size_t i = steps.size(); i-- > 0;) {
    wanted[i] = text.find(name_of_made(steps[i])) != std::string::npos;
    if (wanted[i]) text += text_of(steps[i].command) + "\n";
  }
  return wanted;
}

}  // namespace

std::vector<PrepareStep> needed_steps(const ExperimentPlan& plan, const std::vector<size_t>& runs,
                                      const ExperimentPlan& whole) {
  std::vector<size_t> all(whole.runs.size());
  std::iota(all.begin(), all.end(), size_t{0});
  const std::vector<bool> wanted = steps_of(plan, runs);
  const std::vector<bool> known = steps_of(whole, all);
  std::vector<PrepareStep> needed;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] || !known[i]) needed.push_back(plan.scale.prepare[i]);
  }
  return needed;
}

}  // namespace linformer
