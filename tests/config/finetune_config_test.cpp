#include "linformer/config/finetune_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kEnough{"run.dir=r", "run.init_from=m", "task.data=d"};

FinetuneRecipe recipe_of(const std::string& task) {
  if (task != "rte") return {};
  return {.learning_rate = 3e-5, .batch_size = 16, .warmup_share = 0.25, .folds = 5};
}

FinetuneConfig load(std::vector<std::string> overrides, const std::string& path = "") {
  overrides.insert(overrides.begin(), kEnough.begin(), kEnough.end());
  return load_finetune_config(path, overrides, recipe_of);
}

TEST(FinetuneDefaults, AreRobertasAndTheRecipeOfTheTask) {
  const FinetuneConfig rte = load({"task.name=rte"});
  EXPECT_DOUBLE_EQ(rte.training.learning_rate, 3e-5);
  EXPECT_EQ(rte.training.global_batch_size, 16);
  EXPECT_EQ(rte.training.micro_batch_size, 16);
  EXPECT_DOUBLE_EQ(rte.training.schedule.warmup_share.value(), 0.25);
  EXPECT_EQ(rte.task.folds, 5);
  EXPECT_DOUBLE_EQ(rte.finetune.epochs, 10.0);
  EXPECT_DOUBLE_EQ(rte.training.optimizer.weight_decay, 0.1);
  EXPECT_DOUBLE_EQ(rte.training.optimizer.max_grad_norm, 0.0);
  // One setting for all tasks; the folds are about the data.
  const FinetuneConfig global = load({"task.name=rte", "finetune.protocol=global"});
  EXPECT_DOUBLE_EQ(global.training.learning_rate, 2e-5);
  EXPECT_EQ(global.training, load({"task.name=mine"}).training);
  EXPECT_EQ(global.task.folds, 5);
}

TEST(FinetuneConfig, FileAndCommandLineWinOverTheDefaultsOfTheTaskTheyName) {
  const TemporaryFolder folder;
  const std::string path = folder.file("rte.yaml");
  write_file_atomically(path, "task: {name: rte}\ntraining: {learning_rate: 4.0e-5}\n");
  const FinetuneConfig config = load({"training.global_batch_size=24"}, path);
  EXPECT_DOUBLE_EQ(config.training.learning_rate, 4e-5);
  EXPECT_EQ(config.training.global_batch_size, 24);
  EXPECT_EQ(config.training.micro_batch_size, 24);  // 16 does not divide 24
  // The command line's task brings its own defaults along.
  EXPECT_EQ(load({"task.name=qnli"}, path).training.global_batch_size, 32);
}

TEST(FinetuneConfig, StepsFollowFromEpochsAndRows) {
  FinetuneConfig config =
      load({"task.name=rte", "finetune.epochs=3", "training.schedule.warmup_share=0.06"});
  // 100 rows, 16 a step: 6.25 steps an epoch.
  EXPECT_EQ(config.trainer(100).training.max_steps, 19);  // 18.75
  EXPECT_EQ(config.trainer(100).evaluation.every, 7);
  EXPECT_EQ(config.trainer(96).training.max_steps, 18);
  EXPECT_EQ(config.trainer(96).evaluation.every, 6);
  EXPECT_EQ(config.trainer(96).resolved_warmup_steps(), 1);  // 6 % of 18 = 1.08
  config.finetune.evaluations_per_epoch = 2;
  EXPECT_EQ(config.trainer(96).evaluation.every, 3);
  config.training.max_steps = 5;
  config.finetune.evaluations_per_epoch = 0;
  config.evaluation.every = 4;
  EXPECT_EQ(config.trainer(96).training.max_steps, 5);
  EXPECT_EQ(config.trainer(96).evaluation.every, 4);
}

TEST(FinetuneConfig, RefusesWhatCannotBeMeant) {
  const auto message = [](const std::vector<std::string>& overrides) {
    return message_of<UsageError>([&] { load(overrides); });
  };
  EXPECT_THAT(message({}), HasSubstr("task.name: is not set"));
  const std::string rte = "task.name=rte";
  EXPECT_THAT(message({rte, "finetune.epochs=0"}), HasSubstr("finetune.epochs"));
  for (const char* many : {"1e300", "1e19", "1000001"}) {
    EXPECT_THAT(message({rte, std::string("finetune.epochs=") + many}),
                HasSubstr("is above 1000000\n  fix: give a number, above 0 and at most 1000000"));
  }
  EXPECT_THAT(message({rte, "finetune.layer_decay=1.5"}), HasSubstr("1.5 is above 1"));
  EXPECT_THAT(message({rte, "training.max_tokens=5"}), HasSubstr("sequences differ in length"));
  EXPECT_THAT(message({rte, "task.test=[none, a.tsv]"}),
              HasSubstr("task.test: has none and files"));
  EXPECT_THAT(message({rte, "task.folds=1"}),
              HasSubstr("task.folds: 1 is too small\n  fix: give a whole number, 0 or 2 to 1000"));
  EXPECT_THAT(message({rte, "task.folds=5", "task.fold=5"}),
              HasSubstr("task.fold: 5 is too large\n  fix: give a whole number, 0 to 4"));
  EXPECT_THAT(message({rte, "input.max_length=7"}), HasSubstr("input.max_length: 7 is too small"));
  EXPECT_THAT(message({rte, "task.labels=[yes]"}), HasSubstr("one label only"));
  EXPECT_THAT(message({rte, "run.init_from=''"}), HasSubstr("run.init_from: is not set"));
  EXPECT_THAT(message({rte, "finetune.protokol=global"}), HasSubstr("protocol"));
}

TEST(FinetuneConfig, SurvivesADumpAndBack) {
  const TemporaryFolder folder;
  const FinetuneConfig config =
      load({"task.name=rte", "finetune.dropout=0.2", "task.labels=[a, b]"});
  const std::string path = folder.file("config.yaml");
  write_file_atomically(path, dump_yaml(config));
  EXPECT_EQ(load_finetune_config(path, {}, recipe_of), config);
}

TEST(FinetuneConfig, TheFilesThatComeAlongAreValid) {
  const std::string folder = std::string(LINFORMER_SOURCE_DIR) + "/configs/finetune/";
  EXPECT_EQ(load({"task.name=rte"}, folder + "glue.yaml").training.global_batch_size, 16);
  EXPECT_EQ(load({}, folder + "imdb.yaml").input.truncation, Truncation::kHeadTail);
  EXPECT_EQ(load({}, folder + "own-data.yaml").task.label_column, "stars");
  EXPECT_EQ(load({}, folder + "reviews.yaml").task.max_train_rows, 5000);
  EXPECT_EQ(load({"task.name=cola", "task.data=x"}, folder + "small.yaml").finetune.pooling,
            ClassifierPooling::kPairMean);
}

TEST(FinetuneConfig, ItsOwnKeysAreInTheDocumentation) {
  const std::string help = config_help<FinetuneConfig>();
  const size_t begin = help.find("task: what is learned");
  const size_t end = help.find("training: batches", begin);
  ASSERT_NE(end, std::string::npos);
  const std::string page = read_bytes(std::string(LINFORMER_SOURCE_DIR) + "/docs/finetuning.md");
  EXPECT_NE(page.find("```text\n" + help.substr(begin, end - begin) + "```"), std::string::npos)
      << "regenerate the list from linformer-finetune --help-config";
}

}  // namespace
}  // namespace linformer
