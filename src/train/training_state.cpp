#include "linformer/train/training_state.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/json_text.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

std::string state_path(const std::string& folder) {
  return folder + "/training/state.json";
}
std::string optimizer_path(const std::string& folder) {
  return folder + "/training/optimizer.safetensors";
}

Json to_json(const GuardState& guard) {
  Json passed_over = Json::array();
  for (const StepRange& range : guard.passed_over) {
    passed_over.push_back(Json::array({range.first, range.last}));
  }
  return {{"num_skips", guard.num_skips},
          {"consecutive_skips", guard.consecutive_skips},
          {"num_rollbacks", guard.num_rollbacks},
          {"rollback_step", guard.rollback_step},
          {"passed_over", passed_over},
          {"losses", guard.losses},
          {"gradient_norms", guard.gradient_norms}};
}

constexpr const char* kFix = "resume from an earlier checkpoint of the run";

/// Takes values out of the JSON of a state. A count that is negative or no whole number would send
/// the run to a place where it never was.
class StateReader {
 public:
  explicit StateReader(const std::string& source) : source_(source) {}

  int64_t count(const Json& json, const char* key) const { return count(json.at(key), key, 0); }
  int64_t count(const Json& value, const std::string& name, int64_t lowest) const {
    const std::optional<int64_t> number = whole_number_of(value);
    if (!number || *number < lowest) refuse(name, value);
    return *number;
  }
  uint64_t bits(const Json& json, const char* key) const {
    const Json& value = json.at(key);
    if (!value.is_number_unsigned()) refuse(key, value);
    return value.get<uint64_t>();
  }
  double number(const Json& json, const char* key) const {
    const Json& value = json.at(key);
    if (!value.is_number()) refuse(key, value);
    return value.get<double>();
  }
  double positive(const Json& json, const char* key) const {
    const double value = number(json, key);
    if (value <= 0.0) refuse(key, json.at(key));
    return value;
  }
  std::vector<double> numbers(const Json& json, const char* key) const {
    std::vector<double> values;
    for (const Json& value : json.at(key)) {
      if (!value.is_number()) refuse(key, value);
      values.push_back(value.get<double>());
    }
    return values;
  }

 private:
  [[noreturn]] void refuse(const std::string& name, const Json& value) const {
    fail_run(source_, "not a training state: " + name + " is " + json_text(value), kFix);
  }

  const std::string& source_;
};

GuardState guard_from_json(const Json& json, const StateReader& read) {
  GuardState guard;
  guard.num_skips = read.count(json, "num_skips");
  guard.consecutive_skips = read.count(json, "consecutive_skips");
  guard.num_rollbacks = read.count(json, "num_rollbacks");
  guard.rollback_step = read.count(json, "rollback_step");
  for (const Json& range : json.at("passed_over")) {
    const int64_t first = read.count(range.at(0), "passed_over", 0);
    guard.passed_over.push_back({first, read.count(range.at(1), "passed_over", first)});
  }
  guard.losses = read.numbers(json, "losses");
  guard.gradient_norms = read.numbers(json, "gradient_norms");
  return guard;
}

Json to_json(const TrainingState& state) {
  return {{"format_version", 2},
          {"step", state.step},
          {"num_updates", state.num_updates},
          {"position", state.position},
          {"num_tokens", state.num_tokens},
          {"elapsed_seconds", state.elapsed_seconds},
          {"learning_rate", state.learning_rate},
          {"best_score", state.best_score ? Json(*state.best_score) : Json(nullptr)},
          {"best_step", state.best_step},
          {"evaluations_since_best", state.evaluations_since_best},
          {"evaluated_step", state.evaluated_step},
          {"loss_scale",
           {{"scale", state.loss_scale.scale},
            {"good_steps", state.loss_scale.good_steps},
            {"num_skipped", state.loss_scale.num_skipped}}},
          {"log_bytes", state.log_bytes},
          {"guard", to_json(state.guard)},
          {"seed", state.seed},
          {"data_fingerprint", state.data_fingerprint},
          {"held_out_fingerprint", state.held_out_fingerprint},
          {"settings", state.settings}};
}

TrainingState from_json(const Json& json, const StateReader& read) {
  TrainingState state;
  state.step = read.count(json, "step");
  state.num_updates = read.count(json, "num_updates");
  state.position = read.count(json, "position");
  state.num_tokens = read.count(json, "num_tokens");
  state.elapsed_seconds = read.number(json, "elapsed_seconds");
  if (!json.at("best_score").is_null()) state.best_score = read.number(json, "best_score");
  state.best_step = read.count(json, "best_step");
  state.evaluations_since_best = read.count(json, "evaluations_since_best");
  // Earlier versions did not keep it.
  if (json.contains("evaluated_step")) {
    state.evaluated_step = read.count(json.at("evaluated_step"), "evaluated_step", -1);
  }
  const Json& scale = json.at("loss_scale");
  state.loss_scale.scale = read.positive(scale, "scale");
  state.loss_scale.good_steps = read.count(scale, "good_steps");
  state.loss_scale.num_skipped = read.count(scale, "num_skipped");
  state.log_bytes = read.count(json, "log_bytes");
  state.guard = guard_from_json(json.at("guard"), read);
  state.seed = read.bits(json, "seed");
  state.data_fingerprint = read.bits(json, "data_fingerprint");
  // Format 1 kept no settings.
  if (read.count(json, "format_version") < 2) return state;
  state.learning_rate = read.number(json, "learning_rate");
  state.held_out_fingerprint = read.bits(json, "held_out_fingerprint");
  json.at("settings").get_to(state.settings);
  return state;
}

}  // namespace

std::string training_state_text(const TrainingState& state) {
  return json_text(to_json(state), 2) + "\n";
}

TrainingState parse_training_state(const std::string& text, const std::string& source) {
  const auto [json, problem] = parse_json<Json>(text);
  if (!problem.empty()) fail_run(source, "not a training state: it " + problem, kFix);
  try {
    return from_json(json, StateReader(source));
  } catch (const nlohmann::json::exception& error) {
    fail_run(source, std::string("not a training state: ") + error.what(), kFix);
  }
}

void save_training_state(const std::string& folder, const TrainingState& state,
                         const NamedTensors& moments) {
  make_directories(folder + "/training");
  save_tensors(optimizer_path(folder), moments,
               {{"num_updates", std::to_string(state.num_updates)}});
  write_file_atomically(state_path(folder), training_state_text(state));
}

TrainingState load_training_state(const std::string& folder, const NamedTensors& moments) {
  const TrainingState state =
      parse_training_state(read_text_file(state_path(folder)), state_path(folder));
  load_into(optimizer_path(folder), moments);
  return state;
}

}  // namespace linformer
