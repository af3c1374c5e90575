#include "linformer/experiments/sweep.h"

#include <map>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

SweepAxis parse_axis(const std::string& text, const SweepKeys& keys) {
  const size_t equals = text.find('=');
  SweepAxis axis{text.substr(0, equals), {}};
  if (equals != std::string::npos) axis.values = comma_separated(text.substr(equals + 1));
  if (axis.key.empty() || axis.values.empty()) {
    fail_usage("--sweep", "'" + text + "' is not a list of values of a key",
               "write e.g. learning_rate=1e-5,2e-5,3e-5");
  }
  if (const auto known = keys.short_names.find(axis.key); known != keys.short_names.end()) {
    axis.key = known->second;
    return axis;
  }
  const std::string whole = whole_key(keys.fields, axis.key);
  if (whole.find('.') == std::string::npos) {
    std::string names;
    for (const auto& [name, key] : keys.short_names) names += name + ", ";
    fail_usage("--sweep", "'" + axis.key + "' is not a key",
               "write " + names + "or a whole key such as " + keys.example);
  }
  axis.key = whole;
  return axis;
}

}  // namespace

std::vector<SweepAxis> parse_sweep(const std::vector<std::string>& axes, const SweepKeys& keys) {
  std::vector<SweepAxis> sweep;
  for (const std::string& text : axes) {
    SweepAxis axis = parse_axis(text, keys);
    if (axis.key == "run.dir" || axis.key == "run.seed") {
      fail_usage("--sweep", axis.key + " is set for each run",
                 "--output names the folder of all runs, and --seeds their number");
    }
    for (const SweepAxis& before : sweep) {
      if (before.key != axis.key) continue;
      fail_usage("--sweep", "names " + axis.key + " twice", "give all its values at once");
    }
    sweep.push_back(std::move(axis));
  }
  return sweep;
}

std::string SweepAxis::assignment(const std::string& value) const {
  return key + "=" + value;
}

std::vector<std::vector<std::string>> combinations(const std::vector<SweepAxis>& sweep) {
  std::vector<std::vector<std::string>> result{{}};
  for (const SweepAxis& axis : sweep) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& before : result) {
      for (const std::string& value : axis.values) {
        longer.push_back(before);
        longer.back().push_back(axis.assignment(value));
      }
    }
    result = std::move(longer);
  }
  return result;
}

void check_distinct(const std::vector<std::vector<std::string>>& combinations,
                    const std::vector<std::string>& settings) {
  std::map<std::string, std::string> names;
  for (size_t i = 0; i < settings.size(); ++i) {
    const std::string name = setting_folder(combinations[i]);
    const auto [before, is_new] = names.emplace(settings[i], name);
    if (is_new) continue;
    fail_usage("--sweep",
               before->second == name ? name + " is named twice"
                                      : before->second + " and " + name + " are the same run",
               "name each value once");
  }
}

std::string setting_folder(const std::vector<std::string>& overrides) {
  std::string name;
  for (const std::string& text : overrides) {
    const std::string rest = text.substr(text.find_last_of('.', text.find('=')) + 1);
    name += (name.empty() ? "" : ",") + rest;
  }
  for (char& c : name) {
    if (c == '/' || c == ' ') c = '_';
  }
  return name;
}

}  // namespace linformer
