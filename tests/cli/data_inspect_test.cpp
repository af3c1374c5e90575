// linformer-data inspect and why, run as programs.
#include <nlohmann/json.hpp>

#include "cli/data_fixture.h"

#include "linformer/data/batch.h"
#include "linformer/data/packed_dataset.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DataInspectTest : public DataProgramTest {
 protected:
  void SetUp() override { ASSERT_EQ(prepare(text(), "set").exit_code, 0); }
};

TEST_F(DataInspectTest, ShowsNumbersPackingAndText) {
  const auto result = data({"inspect", file("set"), "--tokenizer", model(), "--sample", "0",
                            "--max-sequence-length", "64"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("set-00019.shard"), HasSubstr("whole, last"),
                    HasSubstr("packed to n = 64"), HasSubstr("<s>"), HasSubstr(" > <mask>]")));
}

TEST_F(DataInspectTest, JsonAgreesWithTheLibrary) {
  const auto result = data({"inspect", file("set"), "--tokenizer", model(), "--sample", "5",
                            "--seed", "9", "--epoch", "2", "-n", "64", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto dataset = TokenDataset::open({file("set")});
  const SequencePacking packing(dataset, {.max_sequence_length = 64});
  EXPECT_EQ(json["set"]["sequences"], packing.num_sequences());
  EXPECT_EQ(json["set"]["fill"], packing.fill());
  const BatchSource source(packing, {.vocab_size = dataset.vocab_size()}, 9);
  const auto row = source.training_row({2, 5});
  EXPECT_EQ(json["sample"]["input_ids"], row.input_ids);
  const auto labels = json["sample"]["labels"].get<std::vector<int32_t>>();
  for (size_t i = 0; i < row.positions.size(); ++i) {
    EXPECT_EQ(labels[static_cast<size_t>(row.positions[i])], row.labels[i]);
  }
  EXPECT_EQ(std::count(labels.begin(), labels.end(), -100),
            static_cast<int64_t>(labels.size() - row.positions.size()));
}

TEST_F(DataInspectTest, NamesDamagedAndMissingShards) {
  const std::string path = file("set-00003.shard");
  const std::string whole = read_text_file(path);
  std::string damaged = whole;
  damaged[damaged.size() - 20] = static_cast<char>(damaged[damaged.size() - 20] ^ 4);
  write_file_atomically(path, damaged);
  auto result = data({"inspect", file("set")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("DAMAGED"));
  EXPECT_THAT(result.err, AllOf(HasSubstr("set-00003.shard"), HasSubstr("fix:")));

  write_file_atomically(path, whole.substr(0, whole.size() - 100));
  result = data({"inspect", file("set")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("set-00003.shard"));

  std::filesystem::remove(path);
  EXPECT_EQ(data({"inspect", file("set")}).exit_code, 1);
  EXPECT_EQ(data({"inspect", file("no-such-set")}).exit_code, 2);
}

TEST_F(DataInspectTest, RefusesATokenizerOfOtherShards) {
  ASSERT_EQ(data({"tokenizer", "--input", valid_text(), "--output", file("other.model"),
                  "--vocab-size", "500"})
                .exit_code,
            0);
  const auto result = data({"inspect", file("set"), "--tokenizer", file("other.model")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("tokenizer"));
}

TEST_F(DataInspectTest, RefusesSequencesThatDoNotExist) {
  const auto beyond =
      data({"inspect", file("set"), "--tokenizer", model(), "--sample", "99999999"});
  EXPECT_EQ(beyond.exit_code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("there is no sequence 99999999"));
  EXPECT_EQ(data({"inspect", file("set"), "--sample", "0"}).exit_code, 2);
}

TEST_F(DataInspectTest, WhyShowsTheBatchOfAStep) {
  const auto result =
      data({"why", "--data", file("set"), "--tokenizer", model(), "--step", "3", "--seed", "7",
            "--max-sequence-length", "64", "--global-batch-size", "4", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto dataset = TokenDataset::open({file("set")});
  const SequencePacking packing(dataset, {.max_sequence_length = 64});
  const BatchSource source(packing, {.vocab_size = dataset.vocab_size()}, 7);
  // Step 3 is the third: rows 8 to 11 of the run.
  const Batch batch = source.batch(8, 4);
  std::istringstream lines(result.out);
  int64_t row = 0;
  for (std::string line; std::getline(lines, line); ++row) {
    const auto json = nlohmann::json::parse(line);
    const auto ids = json["input_ids"].get<std::vector<int64_t>>();
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(ids[i], batch.input_ids[static_cast<size_t>(row * batch.length) + i]);
    }
    EXPECT_EQ(json["sequence"], batch.samples[static_cast<size_t>(row)].index);
  }
  EXPECT_EQ(row, 4);
}

TEST_F(DataInspectTest, WhyFollowsTheRampTheRateAndTheMix) {
  ASSERT_EQ(
      data({"prepare", "--input", valid_text(), "--output", file("other"), "--tokenizer", model()})
          .exit_code,
      0);
  write_file_atomically(
      file("mix.yaml"),
      "run: {dir: " + file("run") + ", seed: 7}\n" + "tokenizer: {model: " + model() + "}\n" +
          "data: {train: [" + file("set") + ", " + file("other") +
          "], train_weights: [0.5, 0.5], masking: whole_word, mlm_probability: 0.1, "
          "final_mlm_probability: 0.5, mlm_probability_steps: 4}\n" +
          "model: {hidden_size: 64, num_attention_heads: 4, "
          "max_sequence_length: 64, attention: {projected_length: 16}}\n" +
          "training: {max_steps: 10, global_batch_size: 8, micro_batch_size: 2, "
          "batch_ramp: {start: 2, steps: 3}}\n");
  // Steps of 2, 4, 6, 8, ... sequences: the third begins at 6, with a share of 0.1 + 0.4 * 2 / 4.
  const auto result = data({"why", "--config", file("mix.yaml"), "--step", "3", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Tokenizer tokenizer = Tokenizer::load(model());
  PackedDatasetOptions options{{64, Packing::kFullSentences},
                               {.mlm_probability = 0.1, .word_starts = tokenizer.word_starts()},
                               7};
  const auto packed =
      PackedDataset::open({file("set"), file("other")}, {1.0, 1.0}, tokenizer.hash(), options);
  const Batch batch = packed->batches().batch(6, 6, 0.3);
  std::istringstream lines(result.out);
  int64_t row = 0;
  int64_t from_other = 0;
  for (std::string line; std::getline(lines, line); ++row) {
    const auto json = nlohmann::json::parse(line);
    const auto ids = json["input_ids"].get<std::vector<int64_t>>();
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(ids[i], batch.input_ids[static_cast<size_t>(row * batch.length) + i]);
    }
    const SampleId sample = batch.samples[static_cast<size_t>(row)];
    EXPECT_EQ(json["sequence"], sample.index);
    EXPECT_EQ(json["corpus"], sample.corpus == 0 ? file("set") : file("other"));
    from_other += sample.corpus;
  }
  EXPECT_EQ(row, 6);
  EXPECT_EQ(from_other, 3);
}

TEST_F(DataInspectTest, WhyReadsTheConfigurationOfARun) {
  write_file_atomically(
      file("run.yaml"),
      "run: {dir: " + file("run") + ", seed: 7}\n" + "tokenizer: {model: " + model() + "}\n" +
          "data: {train: [" + file("set") + "]}\n" +
          "model: {hidden_size: 64, num_attention_heads: 4, "
          "max_sequence_length: 64, attention: {projected_length: 16}}\n" +
          "training: {max_steps: 10, global_batch_size: 4, micro_batch_size: 2}\n");
  const std::vector<std::string> by_flags{
      "why", "--data", file("set"), "--tokenizer",           model(), "--step",
      "3",   "--seed", "7",         "--max-sequence-length", "64",    "--global-batch-size",
      "4"};
  const auto by_config = data({"why", "--config", file("run.yaml"), "--step", "3"});
  ASSERT_EQ(by_config.exit_code, 0) << by_config.err;
  EXPECT_EQ(by_config.out, data(by_flags).out);
  const auto changed =
      data({"why", "--config", file("run.yaml"), "--step", "3", "--set", "run.seed=8"});
  EXPECT_EQ(changed.exit_code, 0) << changed.err;
  EXPECT_NE(changed.out, by_config.out);
  EXPECT_EQ(
      data({"why", "--config", file("run.yaml"), "--step", "3", "--set", "run.sed=8"}).exit_code,
      2);
  EXPECT_EQ(data({"why", "--config", file("run.yaml"), "--step", "0"}).exit_code, 2);
  EXPECT_EQ(data({"why", "--step", "1"}).exit_code, 2);
}

}  // namespace
}  // namespace linformer
