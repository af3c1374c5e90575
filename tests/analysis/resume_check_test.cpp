#include "linformer/analysis/resume_check.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

/// A checkpoint's files with one tensor each; the last number of `weights` may be changed.
void write_tensor(const std::string& path, const std::string& name, float last) {
  const float values[] = {1.0F, 2.0F, last};
  write_safetensors(
      path, {{name, TensorType::kF32, {3}, [&] { return std::as_bytes(std::span(values)); }}});
}

void write_checkpoint(const std::string& folder, float last_weight, float last_moment,
                      int64_t position, double elapsed) {
  make_directories(folder + "/training");
  write_tensor(folder + "/model.safetensors", "weight", last_weight);
  write_tensor(folder + "/training/optimizer.safetensors", "exp_avg.weight", last_moment);
  write_file_atomically(
      folder + "/training/state.json",
      nlohmann::json{{"position", position}, {"elapsed_seconds", elapsed}, {"log_bytes", 1}}
          .dump());
}

TEST(CheckpointDifference, NamesWhatDiffersAndOverlooksTimes) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a"), 3.0F, 4.0F, 8, 1.0);
  write_checkpoint(folder.file("same"), 3.0F, 4.0F, 8, 2.0);
  write_checkpoint(folder.file("weight"), 3.0000002F, 4.0F, 8, 1.0);
  write_checkpoint(folder.file("moment"), 3.0F, -4.0F, 8, 1.0);
  write_checkpoint(folder.file("position"), 3.0F, 4.0F, 9, 1.0);
  const auto difference = [&](const std::string& other) {
    return first_checkpoint_difference(folder.file("a"), folder.file(other));
  };
  EXPECT_EQ(difference("same"), "");
  EXPECT_EQ(difference("weight"), "model.safetensors: weight");
  EXPECT_EQ(difference("moment"), "training/optimizer.safetensors: exp_avg.weight");
  EXPECT_EQ(difference("position"), "training/state.json: position");
}

TEST(CheckpointDifference, LooksAtAveragedWeightsWhereTheyAre) {
  const TemporaryFolder folder;
  for (const auto& [name, last] : {std::pair{"a", 5.0F}, {"same", 5.0F}, {"other", 6.0F}}) {
    write_checkpoint(folder.file(name), 3.0F, 4.0F, 8, 1.0);
    write_tensor(folder.file(name) + "/training/ema.safetensors", "weight", last);
  }
  write_checkpoint(folder.file("none"), 3.0F, 4.0F, 8, 1.0);
  const auto difference = [&](const std::string& other) {
    return first_checkpoint_difference(folder.file("a"), folder.file(other));
  };
  EXPECT_EQ(difference("same"), "");
  EXPECT_EQ(difference("other"), "training/ema.safetensors: weight");
  EXPECT_EQ(difference("none"), "training/ema.safetensors: is in one only");
}

}  // namespace
}  // namespace linformer
