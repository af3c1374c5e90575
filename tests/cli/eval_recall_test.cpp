// linformer-eval recall, run as a program.
#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EvalRecallTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    TrainProgramTest::SetUp();
    ASSERT_EQ(train("run", {"training.max_steps=4"}).exit_code, 0);
  }
  static ProgramResult recall(const std::string& run, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"linformer-eval", "recall", "--checkpoint", run});
    return run_child(arguments);
  }
  json json_of(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const ProgramResult result = recall(file("run"), arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }
};

TEST_F(EvalRecallTest, JsonHasEveryQuestionOnceInEachTable) {
  const json result = json_of({"--questions", "300"});
  EXPECT_EQ(result["questions"], 300);
  EXPECT_EQ(result["seed"], 1);
  EXPECT_EQ(result["max_sequence_length"], 64);  // the model's
  EXPECT_GE(result["masked_tokens"].get<int>(), 300);
  // A model of four steps knows nothing, and neither does the most frequent word.
  EXPECT_LT(result["accuracy"].get<double>(), 0.1);
  EXPECT_LT(result["baseline_accuracy"].get<double>(), 0.1);
  EXPECT_GT(result["mean_nll"].get<double>(), 3.0);
  for (const char* key : {"by_distance", "by_fact"}) {
    int questions = 0;
    int right = 0;
    for (const json& group : result[key]) {
      questions += group["questions"].get<int>();
      right += group["right"].get<int>();
      for (const char* number : {"accuracy", "low", "high", "mean_nll", "baseline_accuracy"}) {
        EXPECT_EQ(group[number].is_null(), group["questions"] == 0) << number << group;
      }
      if (group["questions"] == 0) continue;
      EXPECT_LE(group["low"].get<double>(), group["accuracy"].get<double>());
      EXPECT_GE(group["high"].get<double>(), group["accuracy"].get<double>());
    }
    EXPECT_EQ(questions, 300) << key;
    EXPECT_EQ(right, result["right"].get<int>()) << key;
  }
  // not seen, 1, 2-3, ... 32-63
  EXPECT_EQ(result["by_distance"].size(), 7U);
  EXPECT_EQ(result["by_distance"][0]["group"], "not seen elsewhere");
  EXPECT_EQ(result["by_distance"][6]["group"], "32-63");
  std::vector<std::string> facts;
  for (const json& group : result["by_fact"]) facts.push_back(group["group"]);
  EXPECT_EQ(facts,
            (std::vector<std::string>{"trade", "home", "possession", "adjective", "last name"}));
}

TEST_F(EvalRecallTest, IsRepeatableWhateverTheBatches) {
  const json result = json_of({"--questions", "60"});
  EXPECT_EQ(json_of({"--questions", "60"}), result);
  const json single = json_of({"--questions", "60", "--batch-size", "1", "--threads", "1"});
  EXPECT_EQ(single["right"], result["right"]);
  EXPECT_NEAR(single["mean_nll"].get<double>(), result["mean_nll"].get<double>(), 1e-4);
  EXPECT_NE(json_of({"--questions", "60", "--seed", "2"})["mean_nll"], result["mean_nll"]);
  const json shorter = json_of({"--questions", "60", "--max-sequence-length", "32"});
  EXPECT_EQ(shorter["max_sequence_length"], 32);
  EXPECT_GT(shorter["by_distance"][0]["questions"], result["by_distance"][0]["questions"]);
}

TEST_F(EvalRecallTest, Table) {
  const ProgramResult result = recall(file("run"), {"--questions", "20"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("95 % interval"), HasSubstr("not seen elsewhere"),
                                HasSubstr("32-63"), HasSubstr("last name"),
                                HasSubstr("tokens in sequences of 64"), Not(HasSubstr("nan"))));
}

TEST_F(EvalRecallTest, RefusesWrongArguments) {
  EXPECT_EQ(run_child({"linformer-eval", "recall"}).exit_code, 2);
  const std::vector<std::pair<std::vector<std::string>, std::string>> refused{
      {{"--questions", "0"}, "--questions"},
      {{"--batch-size", "0"}, "--batch-size"},
      {{"--max-sequence-length", "65"},
       "--max-sequence-length: 65, the model takes at most 64\n  fix: "},
      {{"--max-sequence-length", "31"},
       "--max-sequence-length: 31 leaves too little text around a word\n  fix: "},
      {{"--seed", "-1"}, "--seed"}};
  for (const auto& [arguments, message] : refused) {
    const ProgramResult result = recall(file("run"), arguments);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
  }
  const ProgramResult nowhere = recall(file("nowhere"), {});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, AllOf(HasSubstr(file("nowhere")), HasSubstr("\n  fix: ")));
}

TEST_F(EvalRecallTest, SaysThatATokenizerIsMadeForOtherText) {
  std::string text;
  for (int i = 0; i < 4000; ++i) {
    for (int digit = i * 7919 % 10007; digit > 0; digit /= 7) {
      text += std::string("\xD0") + static_cast<char>('\xB0' + digit % 7);  // Cyrillic а to ж
    }
    text += i % 12 == 11 ? ".\n\n" : " ";
  }
  write_file_atomically(file("other.txt"), text);
  // Letters that the tokenizer has not seen become bytes or, if it has none, <unk>.
  for (const bool bytes : {true, false}) {
    const std::string name = bytes ? "bytes" : "unknown";
    std::vector<std::string> make{
        "tokenizer",           "--input",      file("other.txt"),   "--output",
        file(name + ".model"), "--vocab-size", bytes ? "330" : "80"};
    if (!bytes) make.emplace_back("--no-byte-fallback");
    const ProgramResult made = data(make);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_EQ(data({"prepare", "--input", file("other.txt"), "--output", file(name), "--tokenizer",
                    file(name + ".model")})
                  .exit_code,
              0);
    const ProgramResult trained =
        train(name + "-run", {"training.max_steps=1", "tokenizer.model=" + file(name + ".model"),
                              "data.train=[" + file(name) + "]", "data.valid=[]"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    const ProgramResult result = recall(file(name + "-run"), {"--questions", "20", "--json"});
    EXPECT_EQ(result.exit_code, bytes ? 0 : 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(bytes ? "tokens on average, as if the tokenizer were made "
                                              "for other text"
                                            : "does not know the words of the sample corpus"));
  }
}

}  // namespace
}  // namespace linformer
