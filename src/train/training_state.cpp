#include "linformer/train/training_state.h"

#include <nlohmann/json.hpp>

#include "linformer/checkpoint/model_folder.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

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

GuardState guard_from_json(const Json& json) {
  GuardState guard;
  json.at("num_skips").get_to(guard.num_skips);
  json.at("consecutive_skips").get_to(guard.consecutive_skips);
  json.at("num_rollbacks").get_to(guard.num_rollbacks);
  json.at("rollback_step").get_to(guard.rollback_step);
  for (const Json& range : json.at("passed_over")) {
    guard.passed_over.push_back({range.at(0).get<int64_t>(), range.at(1).get<int64_t>()});
  }
  json.at("losses").get_to(guard.losses);
  json.at("gradient_norms").get_to(guard.gradient_norms);
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

TrainingState from_json(const Json& json) {
  TrainingState state;
  json.at("step").get_to(state.step);
  json.at("num_updates").get_to(state.num_updates);
  json.at("position").get_to(state.position);
  json.at("num_tokens").get_to(state.num_tokens);
  json.at("elapsed_seconds").get_to(state.elapsed_seconds);
  if (!json.at("best_score").is_null()) state.best_score = json.at("best_score").get<double>();
  json.at("best_step").get_to(state.best_step);
  json.at("evaluations_since_best").get_to(state.evaluations_since_best);
  const Json& scale = json.at("loss_scale");
  scale.at("scale").get_to(state.loss_scale.scale);
  scale.at("good_steps").get_to(state.loss_scale.good_steps);
  scale.at("num_skipped").get_to(state.loss_scale.num_skipped);
  json.at("log_bytes").get_to(state.log_bytes);
  state.guard = guard_from_json(json.at("guard"));
  json.at("seed").get_to(state.seed);
  json.at("data_fingerprint").get_to(state.data_fingerprint);
  // Format 1 kept no settings.
  if (json.at("format_version").get<int64_t>() < 2) return state;
  json.at("learning_rate").get_to(state.learning_rate);
  json.at("held_out_fingerprint").get_to(state.held_out_fingerprint);
  json.at("settings").get_to(state.settings);
  return state;
}

}  // namespace

std::string weight_average_path(const std::string& folder) {
  return folder + "/training/ema.safetensors";
}

std::string training_state_text(const TrainingState& state) {
  // A path among the settings may be any bytes.
  return to_json(state).dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

TrainingState parse_training_state(const std::string& text, const std::string& source) {
  try {
    return from_json(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    fail_run(source, std::string("not a training state: ") + error.what(),
             "resume from an earlier checkpoint of the run");
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
