#include "linformer/report/task_result.h"

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/json_text.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

double number_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json to_json_object(const SetResult& set) {
  Json metrics = Json::object();
  for (const MetricValue& metric : set.metrics) metrics[metric.name] = number(metric.value);
  return {{"name", set.name},
          {"task", set.task},
          {"rows", set.rows},
          {"is_part", set.is_part},
          {"metrics", metrics},
          {"loss", number(set.loss)},
          {"majority", number(set.majority)}};
}

/// nlohmann's get() would take 1.5 as 1, true as 1, and has no defined result for 1e22. Throws
/// std::domain_error for these.
int64_t whole(const Json& json, const char* key) {
  const std::optional<int64_t> number = whole_number_of(json.at(key));
  if (!number) throw std::domain_error(std::string(key) + " is not a whole number of 64 bits");
  return *number;
}

SetResult set_of(const Json& json) {
  SetResult set;
  json.at("name").get_to(set.name);
  json.at("task").get_to(set.task);
  set.rows = whole(json, "rows");
  json.at("is_part").get_to(set.is_part);
  for (const auto& [name, value] : json.at("metrics").items()) {
    set.metrics.push_back({name, number_of(value)});
  }
  set.loss = number_of(json.at("loss"));
  set.majority = number_of(json.at("majority"));
  return set;
}

}  // namespace

double TaskResult::score() const {
  const double value = sets.front().metrics.front().value;
  return std::isfinite(value) ? value : -1.0;
}

std::string result_path(const std::string& run_folder) {
  return run_folder + "/result.json";
}

std::string predictions_path(const std::string& run_folder, std::string set_name) {
  for (char& c : set_name) {
    if (c == ' ' || c == '/') c = '_';
  }
  return run_folder + "/predictions/" + set_name + ".tsv";
}

std::string to_json(const TaskResult& result) {
  Json setting = Json::object();
  for (const auto& [key, value] : result.setting) setting[key] = value;
  Json sets = Json::array();
  for (const SetResult& set : result.sets) sets.push_back(to_json_object(set));
  const Json json{{"task", result.task},
                  {"model", result.model},
                  {"seed", result.seed},
                  {"fold", result.fold},
                  {"protocol", result.protocol},
                  {"setting", setting},
                  {"train_rows", result.train_rows},
                  {"train_is_part", result.train_is_part},
                  {"steps", result.steps},
                  {"best_step", result.best_step},
                  {"seconds", result.seconds},
                  {"sets", sets}};
  return json_text(json, 2) + "\n";
}

TaskResult task_result_from_json(const std::string& text, const std::string& source) {
  constexpr const char* kFix = "delete it, and the same command repeats the run";
  const auto [json, problem] = parse_json<Json>(text);
  if (!problem.empty()) fail_run(source, problem, kFix);
  try {
    TaskResult result;
    json.at("task").get_to(result.task);
    json.at("model").get_to(result.model);
    result.seed = whole(json, "seed");
    result.fold = whole(json, "fold");
    json.at("protocol").get_to(result.protocol);
    for (const auto& [key, value] : json.at("setting").items()) {
      result.setting.emplace_back(key, value.get<std::string>());
    }
    result.train_rows = whole(json, "train_rows");
    json.at("train_is_part").get_to(result.train_is_part);
    result.steps = whole(json, "steps");
    result.best_step = whole(json, "best_step");
    json.at("seconds").get_to(result.seconds);
    for (const Json& set : json.at("sets")) result.sets.push_back(set_of(set));
    return result;
  } catch (const nlohmann::json::exception& error) {
    fail_run(source, std::string("not a result of a fine-tuning run: ") + error.what(), kFix);
  } catch (const std::domain_error& error) {
    fail_run(source, std::string("not a result of a fine-tuning run: ") + error.what(), kFix);
  }
}

}  // namespace linformer
