#pragma once

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/config/config_file.h"
#include "linformer/core/random.h"
#include "linformer/data/task_registry.h"
#include "linformer/objectives/finetune_run.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {

/// A pre-trained tiny model, and tables whose label is whether a word occurs.
class FinetuneRunTest : public ::testing::Test {
 protected:
  /// Once for all tests, which only read it and use run folders of their own.
  static void SetUpTestSuite() {
    tiny_ = new TinyRun();
    PretrainConfig pretraining = tiny_->config("pretrained");
    pretraining.training.max_steps = 2;
    PretrainingRun(pretraining).run();
    write_table("train.tsv", 1, 240);
    write_table("dev.tsv", 2, 60);
    write_table("test.tsv", 3, 40);
  }
  static void TearDownTestSuite() {
    delete tiny_;
    tiny_ = nullptr;
  }

  static std::string file(const std::string& name) { return tiny_->file(name); }

  /// Rows "text<TAB>mood": the text of class "good" holds "river" and never "stone".
  static void write_table(const std::string& name, uint64_t seed, int64_t rows) {
    RandomStream random(RandomPurpose::kTest, {seed});
    const char* words[] = {"the", "old", "house", "and", "his", "many", "they"};
    std::string text = "text\tmood\n";
    for (int64_t i = 0; i < rows; ++i) {
      const bool good = random.below(2) == 0;
      const uint64_t count = 1 + random.below(6);
      const uint64_t place = random.below(count);
      for (uint64_t w = 0; w < count; ++w) {
        text += (w == place ? (good ? "river" : "stone") : words[random.below(7)]);
        text += w + 1 < count ? " " : "";
      }
      text += std::string("\t") + (good ? "good" : "bad") + "\n";
    }
    write_file_atomically(file(name), text);
  }

  FinetuneConfig config(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> settings{"run.dir=" + file(name),
                                      "run.init_from=" + file("pretrained"),
                                      "task.name=mood",
                                      "task.text_column=text",
                                      "task.label_column=mood",
                                      "task.train=[" + file("train.tsv") + "]",
                                      "task.valid=[" + file("dev.tsv") + "]",
                                      "task.test=[" + file("test.tsv") + "]",
                                      "training.learning_rate=1e-2",
                                      "training.global_batch_size=16",
                                      "training.micro_batch_size=8",
                                      "finetune.epochs=4",
                                      "checkpoint.every=10"};
    settings.insert(settings.end(), more.begin(), more.end());
    return load_finetune_config("", settings, recipe_of_task);
  }

  static inline TinyRun* tiny_ = nullptr;
};

}  // namespace linformer
