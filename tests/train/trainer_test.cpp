#include <csignal>
#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "train/tiny_run.h"

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class TrainerTest : public ::testing::Test {
 protected:
  TinyRun tiny_;
};

TEST_F(TrainerTest, WritesTheRunFolder) {
  const PretrainConfig config = tiny_.config("run");
  PretrainingRun trainer(config);
  EXPECT_EQ(trainer.run(), StopReason::kFinished);
  EXPECT_EQ(trainer.state().step, 12);
  EXPECT_EQ(trainer.state().position, 12 * 8);
  EXPECT_EQ(load_config<PretrainConfig>(config.run.dir + "/config.yaml"), trainer.config());
  const auto lines = log_of(config.run.dir);
  int64_t evaluations = 0;
  for (const auto& line : lines) evaluations += line.contains("valid_perplexity") ? 1 : 0;
  EXPECT_EQ(evaluations, 3);
  for (const char* key : {"step", "tokens", "epoch", "loss", "perplexity", "learning_rate",
                          "grad_norm", "tokens_per_second", "mfu", "loader_wait_seconds"}) {
    EXPECT_TRUE(lines.front().contains(key)) << key;
  }
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.model", "MANIFEST.json",
                           "training/state.json", "training/optimizer.safetensors"}) {
    EXPECT_TRUE(fs::exists(config.run.dir + "/checkpoints/latest/" + file)) << file;
  }
}

TEST_F(TrainerTest, TwoHalvesAreTheWholeToTheBit) {
  // Dropout is on, and 12 steps of 8 sequences are more than one epoch of the corpus.
  PretrainConfig whole = tiny_.config("whole");
  whole.training.schedule.type = ScheduleType::kConstant;
  ASSERT_GT(whole.model.hidden_dropout_prob, 0.0);
  PretrainingRun trainer(whole);
  trainer.run();
  for (const int64_t half : {1, 5, 6}) {
    PretrainConfig config = whole;
    config.run.dir = tiny_.file("half" + std::to_string(half));
    config.training.max_steps = half;
    PretrainingRun(config).run();
    config.training.max_steps = 12;
    PretrainingRun resumed(config);
    EXPECT_EQ(resumed.state().step, half);
    resumed.run();
    EXPECT_EQ(bits_of(config.run.dir, 12), bits_of(whole.run.dir, 12)) << "stopped at " << half;
  }
}

TEST_F(TrainerTest, AStopSignalSavesAndTheRunGoesOnToTheBit) {
  PretrainConfig config = tiny_.config("whole");
  PretrainingRun(config).run();
  const std::string expected = bits_of(config.run.dir, 12);
  config.run.dir = tiny_.file("stopped");
  {
    PretrainingRun trainer(config);
    set_stop_signal(SIGTERM);
    EXPECT_EQ(trainer.run(), StopReason::kSignal);
    set_stop_signal(0);
    EXPECT_EQ(trainer.state().step, 0);
  }
  EXPECT_TRUE(fs::exists(config.run.dir + "/checkpoints/step-00000000"));
  PretrainingRun(config).run();
  EXPECT_EQ(bits_of(config.run.dir, 12), expected);
}

TEST_F(TrainerTest, MicroBatchesDoNotChangeTheStep) {
  std::vector<at::Tensor> weights;
  for (const int64_t micro : {8, 4, 2, 1}) {
    PretrainConfig config = tiny_.config("micro" + std::to_string(micro));
    config.training.micro_batch_size = micro;
    config.training.max_steps = 2;
    config.training.learning_rate = 1e-3;
    config.training.schedule.type = ScheduleType::kConstant;
    config.training.optimizer.eps = 1e-3;  // else rounding of tiny gradients decides their sign
    config.model.hidden_dropout_prob = 0.0;
    config.model.attention_probs_dropout_prob = 0.0;
    PretrainingRun trainer(config);
    trainer.run();
    weights.push_back(trainer.model().parameters().get("lm_head.dense.weight").detach().clone());
  }
  for (size_t i = 1; i < weights.size(); ++i) {
    EXPECT_LT((weights[i] - weights[0]).abs().max().item<double>(), 2e-6) << i;
  }
}

TEST_F(TrainerTest, Learns) {
  // The masked token can be read off its neighbours: every document repeats one word.
  const Tokenizer& words = unigram_tokenizer();
  Documents documents;
  for (int32_t i = 0; i < 60; ++i) {
    documents.push_back({std::vector<int32_t>(22, 10 + i % 20)});
  }
  write_shards(tiny_.file("repeats"), documents, 1, {words.vocab_size(), words.hash(), 0});
  PretrainConfig config = tiny_.config("learns");
  config.data.train = {tiny_.file("repeats")};
  config.data.valid = {tiny_.file("repeats")};
  config.model.norm_position = NormPosition::kPre;
  config.model.initializer_range = std::nullopt;
  config.model.attention.init = ProjectionInit::kBlockAverage;
  config.training.max_steps = 150;
  config.evaluation.every = 0;
  config.checkpoint.every = 0;
  PretrainingRun trainer(config);
  trainer.run();
  ASSERT_TRUE(trainer.last_evaluation());
  // 20 words, equally often: a unigram model has perplexity 20 (the smoothing adds a little).
  EXPECT_LT(trainer.last_evaluation()->model.perplexity(), 3.0);
  EXPECT_GT(trainer.last_evaluation()->unigram->perplexity(), 20.0);
}

TEST_F(TrainerTest, KeepsTheLastTheBestAndTheMilestones) {
  PretrainConfig config = tiny_.config("kept");
  config.checkpoint.every = 1;
  config.checkpoint.keep_last = 2;
  config.checkpoint.keep_every = 5;
  config.checkpoint.keep_best = false;
  PretrainingRun(config).run();
  EXPECT_THAT(names_in(config.run.dir + "/checkpoints"),
              ::testing::UnorderedElementsAre("step-00000005", "step-00000010", "step-00000011",
                                              "step-00000012", "latest"));
}

TEST_F(TrainerTest, StopsEarlyWhereNothingGetsBetter) {
  PretrainConfig config = tiny_.config("early");
  config.training.learning_rate = 1e-12;
  config.evaluation.every = 1;
  config.evaluation.early_stop_patience = 3;
  config.evaluation.early_stop_min_delta = 0.5;
  PretrainingRun trainer(config);
  EXPECT_EQ(trainer.run(), StopReason::kEarlyStop);
  EXPECT_EQ(trainer.state().step, 4);  // the first one is the best, three are not better
  EXPECT_EQ(trainer.state().best_step, 1);
}

TEST_F(TrainerTest, StopsWhenTheTimeIsSpent) {
  PretrainConfig config = tiny_.config("time");
  config.training.max_steps = 1'000'000;
  config.training.max_hours = 1e-9;
  PretrainingRun trainer(config);
  EXPECT_EQ(trainer.run(), StopReason::kTimeBudget);
  EXPECT_LT(trainer.state().step, 3);
}

TEST_F(TrainerTest, RefusesAFolderInUse) {
  const PretrainConfig config = tiny_.config("locked");
  const PretrainingRun first(config);
  EXPECT_THAT(message_of<Error>([&] { PretrainingRun second(config); }), HasSubstr("lock"));
}

TEST_F(TrainerTest, RefusesToGoOnAsAnotherRun) {
  PretrainConfig config = tiny_.config("again");
  config.training.max_steps = 1;
  PretrainingRun(config).run();
  const auto refusal = [](PretrainConfig changed) {
    return message_of<UsageError>([&] { PretrainingRun trainer(std::move(changed)); });
  };
  PretrainConfig changed = config;
  changed.run.seed = 2;
  EXPECT_THAT(refusal(changed), HasSubstr("run.seed: 2, but the checkpoint was made with 1"));
  changed = config;
  changed.data.train = {tiny_.file("valid")};
  EXPECT_THAT(refusal(changed), HasSubstr("data.train: other data"));
  changed = config;
  changed.model.attention.projected_length = 3;
  EXPECT_THAT(refusal(changed), HasSubstr("model.attention.projected_length: 3 instead of 6"));
  changed = config;
  changed.checkpoint.resume = ResumeMode::kNever;
  EXPECT_THAT(refusal(changed), HasSubstr("checkpoint.resume: never"));
  PretrainConfig fresh = tiny_.config("fresh");
  fresh.checkpoint.resume = ResumeMode::kMust;
  EXPECT_THAT(message_of<RunError>([&] { PretrainingRun trainer(fresh); }),
              HasSubstr("no checkpoint to resume from"));
}

TEST_F(TrainerTest, ALossThatIsNeverFiniteEndsTheRun) {
  PretrainConfig config = tiny_.config("nan");
  config.training.schedule.type = ScheduleType::kConstant;
  config.training.learning_rate = 1e30;
  config.checkpoint.every = 0;
  config.evaluation.every = 0;
  PretrainingRun trainer(config);
  const std::string message = message_of<RunError>([&] { trainer.run(); });
  EXPECT_THAT(message, HasSubstr("is not finite"));
  EXPECT_THAT(message, HasSubstr("9 such steps in a row, and there is no checkpoint to go back"));
  EXPECT_THAT(message, HasSubstr("micro-batches with the sequences"));
  EXPECT_THAT(message, HasSubstr("of epoch 0"));
  EXPECT_THAT(message, HasSubstr("\n  fix: "));
}

TEST_F(TrainerTest, ANonFiniteLossLeavesTheLastCheckpointAsItWas) {
  PretrainConfig config = tiny_.config("later");
  config.training.schedule.type = ScheduleType::kConstant;
  config.training.max_steps = 4;
  PretrainingRun(config).run();
  const std::string before = bits_of(config.run.dir, 4);
  config.training.max_steps = 12;
  config.training.learning_rate = 1e30;
  PretrainingRun trainer(config);
  EXPECT_NE(message_of<RunError>([&] { trainer.run(); }), "");
  EXPECT_EQ(bits_of(config.run.dir, 4), before);
  EXPECT_EQ(fs::read_symlink(config.run.dir + "/checkpoints/latest").string(), "step-00000004");
}

TEST_F(TrainerTest, ADamagedCheckpointIsPassedOver) {
  PretrainConfig config = tiny_.config("damaged");
  config.training.schedule.type = ScheduleType::kConstant;
  PretrainingRun(config).run();
  const std::string expected = bits_of(config.run.dir, 12);
  const std::string weights = config.run.dir + "/checkpoints/step-00000012/model.safetensors";
  std::string bytes = read_text_file(weights);
  bytes[bytes.size() / 2] ^= 1;
  fs::remove(weights);
  write_file_atomically(weights, bytes);
  PretrainingRun trainer(config);
  EXPECT_LT(trainer.state().step, 12);
  trainer.run();
  EXPECT_EQ(bits_of(config.run.dir, 12), expected);
}

TEST_F(TrainerTest, ActivationCheckpointingChangesNoBit) {
  const PretrainConfig kept = tiny_.config("kept");
  PretrainingRun(kept).run();
  PretrainConfig recomputed = tiny_.config("recomputed");
  recomputed.training.activation_checkpointing = true;
  PretrainingRun(recomputed).run();
  EXPECT_EQ(bits_of(kept.run.dir, 12), bits_of(recomputed.run.dir, 12));
}

TEST_F(TrainerTest, StartsWithTheWeightsOfAnotherModel) {
  const PretrainConfig first = tiny_.config("first");
  PretrainingRun(first).run();
  PretrainConfig second = tiny_.config("second");
  second.run.init_from = first.run.dir;
  second.training.learning_rate = 1e-30;  // so small that fp32 weights stay what they were
  PretrainingRun(second).run();
  EXPECT_EQ(read_text_file(second.run.dir + "/checkpoints/latest/model.safetensors"),
            read_text_file(first.run.dir + "/checkpoints/latest/model.safetensors"));
  PretrainConfig other = tiny_.config("other");
  other.run.init_from = first.run.dir;
  other.model.attention.sharing = SharingMode::kNone;
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun trainer(other); }),
              HasSubstr("model.attention.sharing: none instead of headwise"));
  other = tiny_.config("other");
  other.run.init_from = tiny_.file("absent");
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun trainer(other); }), HasSubstr("absent"));
}

}  // namespace
}  // namespace linformer
