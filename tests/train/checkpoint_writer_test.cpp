#include "linformer/train/checkpoint_writer.h"

#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "nn/tiny_model.h"

#include "linformer/checkpoint/manifest.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/models/model_folder.h"
#include "linformer/optim/adamw.h"
#include "linformer/train/optimized_parameters.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CheckpointWriterTest : public ::testing::Test {
 protected:
  RunSnapshot snapshot(int64_t step) {
    TrainingState state;
    state.step = step;
    return take_snapshot(
        {to_config_json(model_.config()), saved_tensors(model_), "tokenizer", {1, 2, 3}},
        optimizer_.state(), state);
  }
  std::string step_folder(int64_t step) const { return store_.folder_of(step); }

  TemporaryFolder folder_;
  Model model_{tiny_model(), 1};
  AdamW optimizer_{optimized_parameters(model_.parameters()), OptimizerConfig{}};
  CheckpointStore store_{folder_.file("checkpoints"), CheckpointConfig{}};
};

TEST_F(CheckpointWriterTest, WhatChangesAfterwardsIsNotSaved) {
  const at::Tensor weight = model_.parameters().get("lm_head.dense.weight").detach();
  const at::Tensor before = weight.clone();
  for (const bool background : {true, false}) {
    CheckpointWriter writer(store_, background);
    RunSnapshot taken = snapshot(background ? 1 : 2);
    weight.add_(1.0);  // training goes on before anything is written
    writer.save(std::move(taken), /*is_best=*/false);
    writer.wait();
    weight.copy_(before);
  }
  for (const int64_t step : {1, 2}) {
    EXPECT_FALSE(find_damage(step_folder(step)));
    EXPECT_TRUE(
        at::equal(load_model(step_folder(step))->parameters().get("lm_head.dense.weight"), before));
  }
}

TEST_F(CheckpointWriterTest, KeepsTheOrderAndMarksTheBest) {
  {
    CheckpointWriter writer(store_, /*background=*/true);
    for (int64_t step = 1; step <= 5; ++step) writer.save(snapshot(step), step == 2);
  }                                                            // the destructor waits
  EXPECT_EQ(store_.steps(), (std::vector<int64_t>{2, 4, 5}));  // the best and the last two
  EXPECT_EQ(store_.best()->step, 2);
  EXPECT_EQ(store_.newest_whole()->step, 5);
}

TEST_F(CheckpointWriterTest, AnErrorComesOutOfTheNextCallAndLeavesWhatWasThere) {
  CheckpointWriter writer(store_, /*background=*/true);
  writer.save(snapshot(1), false);
  writer.wait();
  // A file where the folder would go: the save fails whoever runs it.
  fs::rename(folder_.file("checkpoints"), folder_.file("aside"));
  write_file_atomically(folder_.file("checkpoints"), "in the way");
  writer.save(snapshot(2), false);
  EXPECT_THROW(writer.wait(), RunError);
  fs::remove(folder_.file("checkpoints"));
  fs::rename(folder_.file("aside"), folder_.file("checkpoints"));
  EXPECT_FALSE(find_damage(step_folder(1)));
  writer.save(snapshot(3), false);  // and it goes on
  writer.wait();
  EXPECT_FALSE(find_damage(step_folder(3)));
}

}  // namespace
}  // namespace linformer
