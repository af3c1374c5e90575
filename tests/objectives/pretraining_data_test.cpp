#include "linformer/objectives/pretraining_data.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(PretrainingData, SetsTheVocabulary) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  const PretrainingData data = open_pretraining_data(config);
  EXPECT_EQ(config.model.vocab_size, unigram_tokenizer().vocab_size());
  EXPECT_GT(data.train->packing().num_sequences(), data.valid->packing().num_sequences());
}

TEST(PretrainingData, RefusesATokenizerOfOtherShards) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  write_file_atomically(tiny.file("other.model"), bpe_tokenizer().model_bytes());
  config.tokenizer.model = tiny.file("other.model");
  const std::string message = message_of<Error>([&] { open_pretraining_data(config); });
  EXPECT_THAT(message, HasSubstr("train-00000.shard: prepared with another tokenizer"));
  EXPECT_THAT(message, HasSubstr("\n  fix: "));
}

TEST(PretrainingData, RefusesAnotherVocabularySize) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  config.model.vocab_size = 77;
  EXPECT_THAT(message_of<UsageError>([&] { open_pretraining_data(config); }),
              HasSubstr("model.vocab_size"));
}

TEST(UnigramModelOf, IsAddOneSmoothed) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  const PretrainingData data = open_pretraining_data(config);
  const TokenDataset& dataset = data.train->dataset();
  const auto counts = dataset.unigram_counts();
  const double p = static_cast<double>(counts[42] + 1) /
                   static_cast<double>(dataset.num_tokens() + config.model.vocab_size);
  EXPECT_NEAR(unigram_model_of(*data.train).nll(42), -std::log(p), 1e-12);
}

}  // namespace
}  // namespace linformer
