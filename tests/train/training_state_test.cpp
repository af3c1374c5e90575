#include "linformer/train/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

TrainingState some_state() {
  TrainingState state;
  state.step = 7;
  state.num_updates = 6;
  state.best_score = -1.5;
  state.evaluated_step = 5;
  state.seed = 0xFFFF'FFFF'FFFF'FFFF;
  state.guard.passed_over = {{2, 3}};
  state.guard.losses = {1.5, 2.0};
  state.settings = {{"task.name", "x"}};
  return state;
}

TEST(TrainingState, ComesBackFromItsText) {
  EXPECT_EQ(parse_training_state(training_state_text(some_state()), "s"), some_state());
}

TEST(TrainingState, OfAnEarlierVersionNobodyKnowsWhatWasEvaluated) {
  json earlier = json::parse(training_state_text(some_state()));
  earlier.erase("evaluated_step");
  EXPECT_EQ(parse_training_state(earlier.dump(), "s").evaluated_step, -1);
}

TEST(TrainingState, RefusesWhatNoRunWrote) {
  const json whole = json::parse(training_state_text(some_state()));
  const std::vector<std::pair<const char*, json>> changes{
      {"/step", -1},
      {"/step", 1.5},
      {"/step", true},
      {"/step", 18446744073709551516ULL},
      {"/num_updates", "6"},
      {"/position", nullptr},
      {"/num_tokens", 9223372036854775808ULL},
      {"/log_bytes", -5},
      {"/evaluated_step", -2},
      {"/seed", -1},
      {"/seed", 0.5},
      {"/data_fingerprint", 1e300},
      {"/elapsed_seconds", "1"},
      {"/best_score", json::array()},
      {"/loss_scale/scale", 0},
      {"/loss_scale", 3},
      {"/guard", json::array()},
      {"/guard/passed_over/0/1", 1},
      {"/guard/passed_over/0", json::array()},
      {"/guard/losses/0", nullptr},
      {"/settings", 4},
  };
  for (const auto& [place, value] : changes) {
    json changed = whole;
    changed[json::json_pointer(place)] = value;
    EXPECT_THAT(message_of<RunError>([&] { parse_training_state(changed.dump(), "state.json"); }),
                AllOf(HasSubstr("state.json: not a training state"), HasSubstr("fix: resume from")))
        << place << " " << value;
  }
  for (const std::string& text :
       {std::string("[1]"), std::string("{"), std::string(100'000, '[')}) {
    EXPECT_THAT(message_of<RunError>([&] { parse_training_state(text, "state.json"); }),
                HasSubstr("state.json: not a training state"));
  }
}

}  // namespace
}  // namespace linformer
