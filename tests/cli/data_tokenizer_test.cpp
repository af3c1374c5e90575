// linformer-data sample and tokenizer, run as programs.
#include <nlohmann/json.hpp>

#include "cli/data_fixture.h"

#include "linformer/core/checksum.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DataTokenizerTest : public DataProgramTest {};

TEST_F(DataTokenizerTest, SampleIsTheSameByteForByte) {
  const auto result = data({"sample", "--output", file("sample"), "--megabytes", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(read_text_file(file("sample/train.txt")), read_text_file(text()));
  EXPECT_EQ(json["train_xxh3"], to_hex(xxh3_of_file(text())));
  // Written down when the grammar was made: the same on every machine.
  EXPECT_EQ(json["valid_xxh3"], "d3572f845e54514a");
  ASSERT_EQ(
      data({"sample", "--output", file("other"), "--megabytes", "2", "--seed", "2"}).exit_code, 0);
  EXPECT_NE(xxh3_of_file(file("other/train.txt")), xxh3_of_file(text()));
}

TEST_F(DataTokenizerTest, TrainsBothTypesDeterministically) {
  for (const char* type : {"unigram", "bpe"}) {
    const auto train = [&](const std::string& name, const std::string& seed) {
      return data({"tokenizer", "--input", text(), "--output", file(name), "--vocab-size", "600",
                   "--type", type, "--sample-sentences", "3000", "--seed", seed, "--json"});
    };
    const std::string first = std::string(type) + "-1.model";
    const std::string second = std::string(type) + "-2.model";
    const std::string other = std::string(type) + "-3.model";
    const auto result = train(first, "1");
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["vocab_size"], 600);
    EXPECT_EQ(json["tokenizer_hash"], to_hex(Tokenizer::load(file(first)).hash()));
    ASSERT_EQ(train(second, "1").exit_code, 0);
    ASSERT_EQ(train(other, "2").exit_code, 0);
    EXPECT_EQ(read_text_file(file(second)), read_text_file(file(first)));
    EXPECT_NE(read_text_file(file(other)), read_text_file(file(first)));
  }
}

TEST_F(DataTokenizerTest, SaysWhatItReadAndWhatItCut) {
  std::string line;
  while (line.size() < 20'000) line += "zebrafish wombat quickly jumped over lynx ";
  write_file_atomically(file("long.jsonl"), "{\"text\": \"" + line + "\"}\n{\"text\": null}\n");
  const auto train = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{
        "tokenizer", "--input", file("long.jsonl"), "--vocab-size",  "320",
        "--type",    "bpe",     "--output",         file("t.model"), "--overwrite"};
    command.insert(command.end(), more.begin(), more.end());
    return data(command);
  };
  const auto result = train({"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["cut_sentences"], 1);
  EXPECT_EQ(json["documents_without_text"], 1);
  EXPECT_EQ(json["inputs"][0]["layout"], "json-lines");
  EXPECT_THAT(train({}).out, AllOf(HasSubstr("layout of " + file("long.jsonl") + ": json-lines"),
                                   HasSubstr("1 sentences of more than 16,384 bytes were cut")));
}

TEST_F(DataTokenizerTest, KeepsAnExistingModel) {
  const std::string before = read_text_file(model());
  const auto refused =
      data({"tokenizer", "--input", text(), "--output", model(), "--vocab-size", "600"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("the file exists"), HasSubstr("--overwrite")));
  EXPECT_EQ(read_text_file(model()), before);
}

TEST_F(DataTokenizerTest, RefusesWhatCannotWork) {
  const auto large = data(
      {"tokenizer", "--input", valid_text(), "--output", file("t.model"), "--vocab-size", "90000"});
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err, HasSubstr("--vocab-size: 90000 does not suit this text"));
  const auto missing = data({"tokenizer", "--input", file("none"), "--output", file("t.model")});
  EXPECT_EQ(missing.exit_code, 2);
  const auto type =
      data({"tokenizer", "--input", text(), "--output", file("t.model"), "--type", "word"});
  EXPECT_EQ(type.exit_code, 2);
  EXPECT_THAT(type.err, HasSubstr("--type: 'word' is none of {unigram,bpe}"));
  EXPECT_FALSE(std::filesystem::exists(file("t.model")));
}

}  // namespace
}  // namespace linformer
