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

Json to_json(const TrainingState& state) {
  return {{"format_version", 1},
          {"step", state.step},
          {"num_updates", state.num_updates},
          {"position", state.position},
          {"num_tokens", state.num_tokens},
          {"elapsed_seconds", state.elapsed_seconds},
          {"best_loss", state.best_loss ? Json(*state.best_loss) : Json(nullptr)},
          {"best_step", state.best_step},
          {"evaluations_since_best", state.evaluations_since_best},
          {"loss_scale",
           {{"scale", state.loss_scale.scale},
            {"good_steps", state.loss_scale.good_steps},
            {"num_skipped", state.loss_scale.num_skipped}}},
          {"seed", state.seed},
          {"data_fingerprint", state.data_fingerprint},
          {"mlm_probability", state.mlm_probability}};
}

TrainingState from_json(const Json& json) {
  TrainingState state;
  json.at("step").get_to(state.step);
  json.at("num_updates").get_to(state.num_updates);
  json.at("position").get_to(state.position);
  json.at("num_tokens").get_to(state.num_tokens);
  json.at("elapsed_seconds").get_to(state.elapsed_seconds);
  if (!json.at("best_loss").is_null()) state.best_loss = json.at("best_loss").get<double>();
  json.at("best_step").get_to(state.best_step);
  json.at("evaluations_since_best").get_to(state.evaluations_since_best);
  const Json& scale = json.at("loss_scale");
  scale.at("scale").get_to(state.loss_scale.scale);
  scale.at("good_steps").get_to(state.loss_scale.good_steps);
  scale.at("num_skipped").get_to(state.loss_scale.num_skipped);
  json.at("seed").get_to(state.seed);
  json.at("data_fingerprint").get_to(state.data_fingerprint);
  json.at("mlm_probability").get_to(state.mlm_probability);
  return state;
}

}  // namespace

std::string training_state_text(const TrainingState& state) {
  return to_json(state).dump(2) + "\n";
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
                         const Optimizer& optimizer) {
  save_training_state(folder, state, optimizer.state(), optimizer.num_updates());
}

void save_training_state(const std::string& folder, const TrainingState& state,
                         const NamedTensors& moments, int64_t num_updates) {
  make_directories(folder + "/training");
  save_tensors(optimizer_path(folder), moments, {{"num_updates", std::to_string(num_updates)}});
  write_file_atomically(state_path(folder), training_state_text(state));
}

TrainingState load_training_state(const std::string& folder, Optimizer& optimizer) {
  const TrainingState state = load_training_state(folder, optimizer.state());
  optimizer.set_num_updates(state.num_updates);
  return state;
}

TrainingState load_training_state(const std::string& folder, const NamedTensors& moments) {
  const TrainingState state =
      parse_training_state(read_text_file(state_path(folder)), state_path(folder));
  load_into(optimizer_path(folder), moments);
  return state;
}

}  // namespace linformer
