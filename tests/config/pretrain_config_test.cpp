#include "linformer/config/pretrain_config.h"

#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PretrainConfig small_config() {
  PretrainConfig config;
  config.run.dir = "runs/x";
  config.tokenizer.model = "t.model";
  config.data.train = {"train"};
  config.data.valid = {"valid"};
  config.training.max_steps = 10000;
  config.training.schedule.warmup_steps = 600;
  return config;
}

using Change = std::function<void(PretrainConfig&)>;

std::string refusal(const Change& change) {
  PretrainConfig config = small_config();
  change(config);
  return message_of<UsageError>([&] { config.validate(); });
}

std::vector<std::string> warnings_after(const Change& change) {
  PretrainConfig config = small_config();
  change(config);
  EXPECT_NO_THROW(config.validate());
  return lint(config);
}

TEST(PretrainConfig, ReadsTheDesignsExample) {
  const TemporaryFolder folder;
  const std::string path = write_bytes(folder.file("pretrain.yaml"), R"(
run: {dir: runs/wikitext2-tiny, seed: 1}
tokenizer: {model: data/wikitext2/tokenizer.model}
data: {train: [data/wikitext2/train], valid: [data/wikitext2/valid], packing: full_sentences, mlm_probability: 0.15}
model:
  vocab_size: 16000
  hidden_size: 256
  num_hidden_layers: 4
  num_attention_heads: 4
  intermediate_size: 1024
  hidden_dropout_prob: 0.1
  max_sequence_length: 512
  norm_position: pre
  initializer_range: auto
  position_init: sinusoidal
  attention:
    type: linformer
    projected_length: 128
    projection: linear
    sharing: key_value
    order: sequence_first
    init: block_average
    value_convolution: 5
    train_projection: true
training:
  max_steps: 10000
  global_batch_size: 64
  micro_batch_size: 8
  learning_rate: 5.0e-4
  schedule: {type: linear, warmup_steps: 600}
  optimizer: {type: adamw, betas: [0.9, 0.98], eps: 1.0e-6, weight_decay: 0.01, max_grad_norm: 1.0}
  precision: fp32
evaluation: {every: 500, mask_seed: 7}
checkpoint: {every: 1000, keep_last: 2, resume: auto}
)");
  const auto config = load_config<PretrainConfig>(path, {"training.max_steps=20000"});
  EXPECT_EQ(config.model.hidden_size, 256);
  EXPECT_EQ(config.model.initializer_range, std::nullopt);
  EXPECT_EQ(config.model.attention.sharing, SharingMode::kKeyValue);
  EXPECT_EQ(config.model.attention.init, ProjectionInit::kBlockAverage);
  EXPECT_EQ(config.training.max_steps, 20000);
  EXPECT_EQ(config.evaluation_batch_size(), 8);
  EXPECT_EQ(config.checkpoint.resume, ResumeMode::kAuto);
  EXPECT_EQ(load_config<PretrainConfig>(write_bytes(folder.file("dump.yaml"), dump_yaml(config))),
            config);
}

TEST(PretrainConfig, PlansTheLowerOfStepsAndTokens) {
  PretrainConfig config = small_config();
  EXPECT_EQ(config.planned_steps(), 10000);
  // 256 sequences of 512 tokens are 131,072 tokens a step; 300,000 tokens begin the third step
  config.training.max_tokens = 300'000;
  EXPECT_EQ(config.planned_steps(), 3);
  config.training.max_tokens = int64_t{131'072} * 20'000;
  EXPECT_EQ(config.planned_steps(), 10000);
  config.training.max_steps.reset();
  config.training.max_tokens.reset();
  EXPECT_EQ(config.planned_steps(), std::nullopt);
}

TEST(PretrainConfig, TheRampCountsInThePlan) {
  PretrainConfig config = small_config();
  config.training.max_steps.reset();
  // 64, 64, 128, 128, 192, 192 sequences of 512 tokens are 393,216 tokens in six steps.
  config.training.batch_ramp = {64, 6};
  config.training.max_tokens = 393'216;
  EXPECT_EQ(config.planned_steps(), 6);
  config.training.max_tokens = 393'217;
  EXPECT_EQ(config.planned_steps(), 7);
}

TEST(PretrainConfig, TheMaskingRateGoesOnALine) {
  PretrainConfig config = small_config();
  EXPECT_EQ(config.masking_rate().at(0), 0.15);
  EXPECT_EQ(config.masking_rate().at(123456), 0.15);
  config.data.final_mlm_probability = 0.4;
  EXPECT_DOUBLE_EQ(config.masking_rate().at(5000), 0.275);  // half of the run's 10,000 steps
  config.data.mlm_probability_steps = 100;
  EXPECT_DOUBLE_EQ(config.masking_rate().at(0), 0.15);
  EXPECT_DOUBLE_EQ(config.masking_rate().at(20), 0.2);
  EXPECT_EQ(config.masking_rate().at(100), 0.4);
  EXPECT_EQ(config.masking_rate().at(1'000'000), 0.4);
  EXPECT_EQ(config.evaluation_mlm_probability(), 0.15);
  config.evaluation.mlm_probability = 0.2;
  EXPECT_EQ(config.evaluation_mlm_probability(), 0.2);
}

TEST(PretrainConfig, WarmupIsStepsOrAShare) {
  PretrainConfig config = small_config();
  EXPECT_EQ(config.resolved_warmup_steps(), 600);
  config.training.schedule.warmup_steps = 0;
  config.training.schedule.warmup_share = 0.06;
  EXPECT_EQ(config.resolved_warmup_steps(), 600);
}

TEST(PretrainConfig, RefusesContradictionsByName) {
  const std::vector<std::pair<std::string, Change>> cases{
      {"run.dir: is not set", [](auto& c) { c.run.dir.clear(); }},
      {"run.seed: -1 is too small", [](auto& c) { c.run.seed = -1; }},
      {"run.threads: -1 is too small", [](auto& c) { c.run.threads = -1; }},
      {"tokenizer.model: is not set", [](auto& c) { c.tokenizer.model.clear(); }},
      {"data.train: names no shards", [](auto& c) { c.data.train.clear(); }},
      {"data.valid: is not set", [](auto& c) { c.data.valid = {""}; }},
      {"data.mlm_probability: 0 is not above 0", [](auto& c) { c.data.mlm_probability = 0.0; }},
      {"data.mlm_probability: 1 is not below 1", [](auto& c) { c.data.mlm_probability = 1.0; }},
      {"data.loader_threads", [](auto& c) { c.data.loader_threads = 0; }},
      {"data.prefetch_batches", [](auto& c) { c.data.prefetch_batches = 0; }},
      {"model.num_attention_heads", [](auto& c) { c.model.num_attention_heads = 7; }},
      {"training: nothing says how long", [](auto& c) { c.training.max_steps.reset(); }},
      {"training.max_steps: 0 is too small", [](auto& c) { c.training.max_steps = 0; }},
      {"training.max_tokens: 0 is too small", [](auto& c) { c.training.max_tokens = 0; }},
      {"training.max_hours: 0 is not above 0", [](auto& c) { c.training.max_hours = 0.0; }},
      {"training.micro_batch_size: 7 does not divide global_batch_size 256",
       [](auto& c) { c.training.micro_batch_size = 7; }},
      {"training.learning_rate: 0", [](auto& c) { c.training.learning_rate = 0.0; }},
      {"training.optimizer.betas: holds 1 numbers",
       [](auto& c) { c.training.optimizer.betas = {0.9}; }},
      {"training.loss_scale.growth_factor: 0.5 is below 1",
       [](auto& c) { c.training.loss_scale.growth_factor = 0.5; }},
      {"training.loss_scale.backoff_factor: 1 is not below 1",
       [](auto& c) { c.training.loss_scale.backoff_factor = 1.0; }},
      {"training.batch_ramp.start: 264 is too large",
       [](auto& c) {
         c.training.batch_ramp = {264, 5};
       }},
      {"training.optimizer.betas: 1 is not below 1",
       [](auto& c) {
         c.training.optimizer.betas = {0.9, 1.0};
       }},
      {"training.optimizer.eps", [](auto& c) { c.training.optimizer.eps = 0.0; }},
      {"training.optimizer.weight_decay: -1 is below 0",
       [](auto& c) { c.training.optimizer.weight_decay = -1.0; }},
      {"training.optimizer.max_grad_norm",
       [](auto& c) { c.training.optimizer.max_grad_norm = -1.0; }},
      {"training.schedule.warmup_steps: 10001 steps of warm-up exceed the run's 10000",
       [](auto& c) { c.training.schedule.warmup_steps = 10001; }},
      {"training.schedule.warmup_share: warmup_steps is given as well",
       [](auto& c) { c.training.schedule.warmup_share = 0.1; }},
      {"training.schedule.final_learning_rate: exceeds",
       [](auto& c) { c.training.schedule.final_learning_rate = 1.0; }},
      {"training.schedule.power", [](auto& c) { c.training.schedule.power = 0.0; }},
      {"training.schedule: max_hours alone",
       [](auto& c) {
         c.training.max_steps.reset();
         c.training.max_hours = 1.0;
       }},
      {"data.train_weights: holds 2 weights for 1 prefixes",
       [](auto& c) {
         c.data.train_weights = {0.5, 0.5};
       }},
      {"data.train_weights: 0 is not above 0", [](auto& c) { c.data.train_weights = {0.0}; }},
      {"data.final_mlm_probability: 1 is not below 1",
       [](auto& c) { c.data.final_mlm_probability = 1.0; }},
      {"data.mlm_probability_steps: is set, but",
       [](auto& c) { c.data.mlm_probability_steps = 5; }},
      {"data.mlm_probability_steps: max_hours alone",
       [](auto& c) {
         c.data.final_mlm_probability = 0.3;
         c.training.max_steps.reset();
         c.training.max_hours = 1.0;
         c.training.schedule.type = ScheduleType::kConstant;
       }},
      {"training.batch_ramp.steps: is set, but", [](auto& c) { c.training.batch_ramp.steps = 5; }},
      {"training.batch_ramp.start: 24 does not divide global_batch_size 256",
       [](auto& c) {
         c.training.batch_ramp = {24, 5};
       }},
      {"training.batch_ramp.start: 4 is not a multiple of micro_batch_size 8",
       [](auto& c) {
         c.training.batch_ramp = {4, 5};
       }},
      {"training.batch_ramp.steps: is 0, but batch_ramp.start is set",
       [](auto& c) {
         c.training.batch_ramp = {8, 0};
       }},
      {"training.session_hours: 36 seconds, and checkpoint.save_before_seconds takes 120: each",
       [](auto& c) { c.training.session_hours = 0.01; }},
      {"training.session_hours: 3600 seconds, and checkpoint.save_before_seconds takes 3600: each",
       [](auto& c) {
         c.training.session_hours = 1.0;
         c.checkpoint.save_before_seconds = 3600;
       }},
      {"training.ema_decay: 0 is not above 0", [](auto& c) { c.training.ema_decay = 0.0; }},
      {"training.ema_decay: 1 is not below 1", [](auto& c) { c.training.ema_decay = 1.0; }},
      {"evaluation.mlm_probability", [](auto& c) { c.evaluation.mlm_probability = 1.5; }},
      {"evaluation.every", [](auto& c) { c.evaluation.every = -1; }},
      {"evaluation.early_stop_patience: early stop needs held-out text",
       [](auto& c) {
         c.data.valid.clear();
         c.evaluation.early_stop_patience = 2;
       }},
      {"evaluation.early_stop_patience: early stop needs regular",
       [](auto& c) {
         c.evaluation.every = 0;
         c.evaluation.early_stop_patience = 2;
       }},
      {"checkpoint.keep_last: 0 is too small", [](auto& c) { c.checkpoint.keep_last = 0; }},
      {"logging.every: 0 is too small", [](auto& c) { c.logging.every = 0; }},
      {"logging.statistics_every: -1", [](auto& c) { c.logging.statistics_every = -1; }},
      {"logging.profile.steps: 0 is too small", [](auto& c) { c.logging.profile.steps = 0; }},
      {"distributed.timeout_seconds: 0 is not above 0",
       [](auto& c) { c.distributed.timeout_seconds = 0.0; }},
      {"distributed.bucket_megabytes: -1 is not above 0",
       [](auto& c) { c.distributed.bucket_megabytes = -1.0; }},
  };
  EXPECT_NO_THROW(small_config().validate());
  for (const auto& [expected, change] : cases) {
    EXPECT_EQ(refusal(change).rfind(expected, 0), 0u) << expected << "\n" << refusal(change);
  }
}

TEST(PretrainConfig, HoursAloneSufficeForSchedulesWithoutAnEnd) {
  PretrainConfig config = small_config();
  config.training.max_steps.reset();
  config.training.max_hours = 0.5;
  config.training.schedule.type = ScheduleType::kInverseSqrt;
  EXPECT_NO_THROW(config.validate());
}

TEST(Lint, IsSilentOnAnOrdinaryRun) {
  EXPECT_THAT(lint(small_config()), IsEmpty());
}

TEST(Lint, WarnsAboutWhatLooksLikeAMistake) {
  const std::vector<std::pair<std::string, Change>> cases{
      {"training.learning_rate 0.5 is far", [](auto& c) { c.training.learning_rate = 0.5; }},
      {"training.learning_rate 1e-09 is far", [](auto& c) { c.training.learning_rate = 1e-9; }},
      {"warm-up takes 6,000 of 10,000 steps",
       [](auto& c) { c.training.schedule.warmup_steps = 6000; }},
      {"post-norm layers without warm-up", [](auto& c) { c.training.schedule.warmup_steps = 0; }},
      {"2,800,000,000 optimizer steps", [](auto& c) { c.training.max_steps = 2'800'000'000; }},
      {"makes heads 4 wide", [](auto& c) { c.model.num_attention_heads = 192; }},
      {"is more than half of n", [](auto& c) { c.model.attention.projected_length = 300; }},
      {"small Linformers", [](auto& c) { c.model.hidden_size = 192; }},
      {"hides most of the text", [](auto& c) { c.data.mlm_probability = 0.6; }},
      {"data.valid is empty", [](auto& c) { c.data.valid.clear(); }},
      {"is also in data.train", [](auto& c) { c.data.valid = c.data.train; }},
      {"only the end is saved", [](auto& c) { c.checkpoint.every = 20000; }},
  };
  for (const auto& [expected, change] : cases) {
    EXPECT_THAT(warnings_after(change), Contains(HasSubstr(expected)));
  }
}

TEST(Lint, HasNoAdviceAboutSavingWhereNothingIsSaved) {
  const std::vector<std::string> warnings = warnings_after([](auto& c) {
    c.checkpoint.every = 20000;
    c.training.overfit_one_batch = true;
  });
  EXPECT_THAT(warnings, IsEmpty());
}

TEST(PretrainConfig, TheFilesThatComeAlongAreValidAndGiveNoWarning) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(LINFORMER_SOURCE_DIR) / "configs";
  int64_t found = 0;
  for (const fs::path& root : {folder / "pretrain", folder / "experiments" / "scales"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string name = entry.path().filename();
      const bool pretrains = root.filename() == "pretrain" ? entry.path().extension() == ".yaml"
                                                           : name == "pretraining.yaml";
      if (!pretrains) continue;
      ++found;
      PretrainConfig config;
      ASSERT_NO_THROW(config = load_config<PretrainConfig>(entry.path(), {})) << entry.path();
      EXPECT_THAT(lint(config), IsEmpty()) << entry.path();
    }
  }
  EXPECT_GE(found, 14);
}

}  // namespace
}  // namespace linformer
