// linformer-eval, run as a program.
#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EvalTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    TrainProgramTest::SetUp();
    ASSERT_EQ(train("run", {"training.max_steps=20"}).exit_code, 0);
  }
  json json_of(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--checkpoint", file("run"), "--json"});
    const auto result = perplexity(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }
};

TEST_F(EvalTest, TextAndItsShardsGiveTheSameNumbers) {
  const json text_result = json_of({"--data", valid_text()});
  const json shards = json_of({"--data", file("valid")});
  json numbers = text_result;
  EXPECT_EQ(numbers["inputs"][0]["layout"], "blank-lines");  // of a text alone
  numbers.erase("inputs");
  EXPECT_EQ(numbers, shards);
  EXPECT_EQ(json_of({"--data", valid_text()}), text_result);  // masks are frozen
  const double nll = text_result["nll_sum"];
  const double masked = text_result["masked_tokens"];
  EXPECT_NEAR(text_result["perplexity"].get<double>(), std::exp(nll / masked), 1e-9 * nll);
  EXPECT_EQ(text_result["mask_seed"], 7);
  const double tokens = text_result["tokens"];
  const double bytes = text_result["text_bytes"];
  EXPECT_NEAR(text_result["bits_per_byte"].get<double>(),
              nll / masked / std::log(2.0) * tokens / bytes, 1e-9);
  EXPECT_GT(text_result["unigram_perplexity"].get<double>(), 1.0);
  EXPECT_NE(json_of({"--data", valid_text(), "--mask-seed", "8"})["nll_sum"], nll);
  // the table for people has the same numbers
  const auto table = perplexity({"--checkpoint", file("run"), "--data", valid_text()});
  EXPECT_THAT(table.out,
              AllOf(HasSubstr("model"), HasSubstr("unigram"), HasSubstr("bits per byte")));
}

TEST_F(EvalTest, ExamplesAreEvaluatedAsGiven) {
  write_file_atomically(file("rows.jsonl"),
                        "{\"input_ids\": [0, 999, 7, 2], \"labels\": [-100, 5, -100, -100]}\n"
                        "{\"input_ids\": [0, 8, 2, 1], \"attention_mask\": [1, 1, 1, 0], "
                        "\"labels\": [-100, 8, -100, -100]}\n");
  const json both = json_of({"--examples", file("rows.jsonl")});
  EXPECT_EQ(both["masked_tokens"], 2);
  EXPECT_EQ(both["sequences"], 2);
  // one at a time, the second without its padding
  write_file_atomically(file("one.jsonl"),
                        "{\"input_ids\": [0, 999, 7, 2], \"labels\": [-100, 5, -100, -100]}\n");
  write_file_atomically(file("two.jsonl"),
                        "{\"input_ids\": [0, 8, 2], \"labels\": [-100, 8, -100]}\n");
  const double sum = json_of({"--examples", file("one.jsonl")})["nll_sum"].get<double>() +
                     json_of({"--examples", file("two.jsonl")})["nll_sum"].get<double>();
  EXPECT_NEAR(both["nll_sum"].get<double>(), sum, 1e-5 * sum);
}

/// Checks that each group of each table is whole and that they add up to the total, exactly: the
/// losses are floats and none of them near 0, so doubles hold their sums in any order.
void expect_whole_groups(const json& result) {
  for (const auto& [key, groups] : result["by"].items()) {
    int64_t tokens = 0;
    double nll_sum = 0.0;
    double right = 0.0;
    double share = 0.0;
    for (const json& group : groups) {
      tokens += group["masked_tokens"].get<int64_t>();
      nll_sum += group["nll_sum"].get<double>();
      share += group["share"].get<double>();
      EXPECT_EQ(group["loss"].is_null(), group["masked_tokens"] == 0) << group;
      EXPECT_EQ(group["accuracy"].is_null(), group["masked_tokens"] == 0) << group;
      if (group["loss"].is_null()) continue;
      EXPECT_NEAR(group["loss"].get<double>(),
                  group["nll_sum"].get<double>() / group["masked_tokens"].get<double>(), 1e-12);
      EXPECT_NEAR(std::log(group["perplexity"].get<double>()), group["loss"].get<double>(), 1e-12);
      right += group["accuracy"].get<double>() * group["masked_tokens"].get<double>();
    }
    EXPECT_EQ(tokens, result["masked_tokens"].get<int64_t>()) << key;
    EXPECT_EQ(nll_sum, result["nll_sum"].get<double>()) << key;
    EXPECT_NEAR(share, 1.0, 1e-12) << key;
    EXPECT_NEAR(right, result["accuracy"].get<double>() * static_cast<double>(tokens), 1e-6) << key;
  }
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST_F(EvalTest, GroupsOfTokensAddUpToTheTotal) {
  const std::vector<std::string> all{"--by", "repetition,distance,frequency"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), all.begin(), all.end());
    return json_of(arguments);
  };
  json text_result = with({"--data", valid_text()});
  expect_whole_groups(text_result);
  EXPECT_EQ(keys_of(text_result["by"]),
            (std::vector<std::string>{"distance", "frequency", "occurrences", "repetition"}));
  EXPECT_EQ(text_result["by"]["occurrences"].size(), 5U);
  // not seen, then 1, 2-3, ... 32-63 in sequences of 64
  EXPECT_EQ(text_result["by"]["distance"].size(), 7U);
  EXPECT_EQ(text_result["by"]["distance"].back()["group"], "32-63");
  EXPECT_EQ(with({"--data", file("valid")})["by"], text_result["by"]);
  expect_whole_groups(with({"--data", file("valid"), file("train"), "--max-sequences", "9"}));
  // all else is as without
  EXPECT_GT(text_result["accuracy"].get<double>(), 0.0);
  text_result.erase("by");
  text_result["accuracy"] = nullptr;
  EXPECT_EQ(text_result, json_of({"--data", valid_text()}));
}

TEST_F(EvalTest, GroupsOfExamples) {
  // 5 stands at 2 and 6 of the first row; the second row's 5 and its padding are not seen there.
  write_file_atomically(file("rows.jsonl"),
                        "{\"input_ids\": [0, 999, 5, 7, 999, 8, 5, 2], "
                        "\"labels\": [-100, 5, -100, -100, 9, -100, -100, -100]}\n"
                        "{\"input_ids\": [0, 5, 999, 1], \"attention_mask\": [1, 1, 1, 0], "
                        "\"labels\": [-100, -100, 8, -100]}\n");
  const json result = json_of({"--examples", file("rows.jsonl"), "--by", "distance,repetition"});
  expect_whole_groups(result);
  const auto tokens = [&](const char* key) {
    std::vector<int> counts;
    for (const json& group : result["by"][key]) counts.push_back(group["masked_tokens"]);
    return counts;
  };
  EXPECT_EQ(tokens("repetition"), (std::vector<int>{2, 1}));
  EXPECT_EQ(tokens("occurrences"), (std::vector<int>{2, 0, 1, 0, 0}));
  EXPECT_EQ(tokens("distance"), (std::vector<int>{2, 1, 0, 0}));
}

TEST_F(EvalTest, TablesOfGroups) {
  const auto run = [&](const std::string& folder, const std::string& by) {
    return perplexity({"--checkpoint", folder, "--data", valid_text(), "--by", by});
  };
  const auto twice = run(file("run"), "frequency,repetition,frequency");
  EXPECT_EQ(twice.exit_code, 0) << twice.err;
  EXPECT_EQ(twice.out, run(file("run"), "frequency,repetition").out);
  EXPECT_THAT(twice.out, AllOf(HasSubstr("frequency in the training data"),
                               HasSubstr("seen elsewhere"), HasSubstr("rarer")));
  // a model that came from elsewhere has no counts
  const std::string folder = file("copy");
  fs::copy(file("run") + "/checkpoints/step-00000020", folder, fs::copy_options::recursive);
  fs::remove(folder + "/MANIFEST.json");
  fs::remove(folder + "/training/unigram.safetensors");
  EXPECT_THAT(run(folder, "frequency").out, HasSubstr("frequency in this text"));
  // the ordinary output comes first, with the accuracy of all tokens
  const auto plain = perplexity({"--checkpoint", file("run"), "--data", valid_text()});
  EXPECT_THAT(plain.out, Not(HasSubstr("accuracy")));
  const std::string first = twice.out.substr(0, twice.out.find("\n\n"));
  EXPECT_THAT(first, AllOf(HasSubstr("accuracy\n"), HasSubstr(" %\n"), HasSubstr("-\n")));
  EXPECT_TRUE(first.starts_with(plain.out.substr(0, plain.out.find('\n')))) << twice.out;
  for (const char* by : {"length", "distance,length", ","}) {
    const auto unknown = run(file("run"), by);
    EXPECT_EQ(unknown.exit_code, 2) << by << unknown.out;
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("--by"), HasSubstr("repetition"),
                                   HasSubstr("distance"), HasSubstr("frequency")));
  }
}

TEST_F(EvalTest, RefusesBadExamplesByLine) {
  const std::string deep(200'000, '[');
  for (const char* row :
       {"{\"input_ids\": [0, 5000], \"labels\": [-100, 5]}",
        "{\"input_ids\": [0, 5], \"labels\": [5]}", "not json", "{}",
        "{\"input_ids\": [0, 5], \"labels\": [18446744073709551516, 5]}", deep.c_str()}) {
    write_file_atomically(
        file("rows.jsonl"),
        std::string("{\"input_ids\": [0, 5], \"labels\": [-100, 5]}\n") + row + "\n");
    const auto result = perplexity({"--checkpoint", file("run"), "--examples", file("rows.jsonl")});
    EXPECT_EQ(result.exit_code, 1) << row;
    EXPECT_THAT(result.err, AllOf(HasSubstr(file("rows.jsonl") + ":2"), HasSubstr("\n  fix: ")));
  }
}

TEST_F(EvalTest, RefusesDamagedCheckpoints) {
  const std::string latest = file("run") + "/checkpoints/step-00000020/";
  std::string bytes = read_text_file(latest + "model.safetensors");
  bytes[bytes.size() - 9] ^= 1;
  write_file_atomically(latest + "model.safetensors", bytes);
  const auto damaged = perplexity({"--checkpoint", latest, "--data", valid_text()});
  EXPECT_EQ(damaged.exit_code, 1) << damaged.err;
  EXPECT_THAT(damaged.err, AllOf(HasSubstr("model.safetensors"), HasSubstr("\n  fix: ")));
  const auto none = perplexity({"--checkpoint", file("nowhere"), "--data", valid_text()});
  EXPECT_EQ(none.exit_code, 1) << none.err;
  EXPECT_THAT(none.err, HasSubstr(file("nowhere")));
}

TEST_F(EvalTest, RefusesTextThatIsNone) {
  const auto refusal = [&](const std::string& path) {
    const auto result = perplexity({"--checkpoint", file("run"), "--data", path});
    EXPECT_EQ(result.exit_code, 1) << path << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(path), HasSubstr("\n  fix: ")));
  };
  write_file_atomically(file("empty.txt"), "");
  refusal(file("empty.txt"));
  refusal(file("missing.txt"));
  write_file_atomically(file("binary.txt"), std::string("\x7f"
                                                        "ELF\0\0\1\2\3\0\0",
                                                        11));
  refusal(file("binary.txt"));
}

TEST_F(EvalTest, CommandLine) {
  EXPECT_EQ(run_child({"linformer-eval"}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-eval", "perplexity"}).exit_code, 2);
  EXPECT_EQ(perplexity({"--checkpoint", file("run")}).exit_code, 2);  // neither data nor examples
  EXPECT_EQ(perplexity({"--help"}).exit_code, 0);
}

TEST_F(EvalTest, TheUnigramCountsAreNotTrusted) {
  const std::string folder = file("copy");
  fs::copy(file("run") + "/checkpoints/step-00000020", folder, fs::copy_options::recursive);
  fs::remove(folder + "/MANIFEST.json");
  const std::string path = folder + "/training/unigram.safetensors";
  const auto file_of = [](const std::string& header, const std::string& data) {
    std::string bytes(8, '\0');
    for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
    return bytes + header + data;
  };
  const std::string counts(8000, '\x01');
  const std::string whole = R"({"counts":{"dtype":"I64","shape":[1000],"data_offsets":[0,8000]}})";
  const std::vector<std::pair<std::string, std::string>> files{
      {"", "too few for safetensors"},
      {file_of("{}", ""), "counts"},
      {file_of(R"({"counts":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})",
               counts.substr(0, 16)),
       "(2) in the file, (1000) in the model"},
      {file_of(R"({"counts":{"dtype":"F64","shape":[1000],"data_offsets":[0,8000]}})", counts),
       "F64 in the file"},
      {file_of(R"({"other":{"dtype":"I64","shape":[1000],"data_offsets":[0,8000]}})", counts),
       "missing in the file: counts"},
      {file_of(whole, std::string(8000, '\xFF')), "no numbers of tokens"},  // -1 each
      {file_of(whole, std::string(8000, '\x7F')), "no numbers of tokens"},  // the sum overflows
  };
  for (const auto& [bytes, message] : files) {
    write_file_atomically(path, bytes);
    const auto result = perplexity({"--checkpoint", folder, "--data", valid_text()});
    EXPECT_EQ(result.exit_code, 1) << message << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(path), HasSubstr(message), HasSubstr("\n  fix: ")));
  }
}

TEST_F(EvalTest, LowPrecisionIsNearFp32) {
  const std::vector<std::string> by{"--data", valid_text(), "--by", "repetition"};
  const json full = json_of(by);
  EXPECT_FALSE(full.contains("precision"));
  for (const std::string precision : {"bf16", "int8"}) {
    std::vector<std::string> more = by;
    more.insert(more.end(), {"--precision", precision});
    const json low = json_of(more);
    EXPECT_EQ(low["precision"], precision);
    const double perplexity = full["perplexity"];
    EXPECT_NE(low["perplexity"], perplexity);
    EXPECT_NEAR(low["perplexity"].get<double>(), perplexity, 0.01 * perplexity) << precision;
    EXPECT_NEAR(low["accuracy"].get<double>(), full["accuracy"].get<double>(), 0.01) << precision;
  }
}

// What a trained model finds most probable: the same word for almost every mask.
TEST_F(EvalTest, BestWordsAgreeInLowPrecision) {
  std::string lines;
  for (const char* text : {"the <mask> of the", "a <mask> and a <mask>", "<mask> in the"}) {
    lines += std::string(text) + "\n";
  }
  const auto best = [&](const std::string& precision) {
    const auto result = run_child({"linformer-predict", "fill-mask", "--checkpoint", file("run"),
                                   "--top-k", "1", "--json", "--precision", precision},
                                  {.standard_input = lines});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<int64_t> ids;
    std::istringstream answers(result.out);
    for (std::string line; std::getline(answers, line);) {
      const json answer = json::parse(line);
      for (const json& mask : answer["masks"]) ids.push_back(mask["guesses"][0]["id"]);
    }
    return ids;
  };
  const std::vector<int64_t> full = best("fp32");
  ASSERT_EQ(full.size(), 4U);
  for (const std::string precision : {"bf16", "int8"}) {
    EXPECT_EQ(best(precision), full) << precision;
  }
}

}  // namespace
}  // namespace linformer
