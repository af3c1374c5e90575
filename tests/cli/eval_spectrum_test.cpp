// linformer-eval spectrum, run as a program on small models with random weights.
#include "cli/attention_fixture.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class EvalSpectrumTest : public AttentionProgramTest {
 protected:
  EvalSpectrumTest() : AttentionProgramTest("spectrum") {}
};

TEST_F(EvalSpectrumTest, EachLayerAndHead) {
  const std::vector<std::string> data{"--data", valid_text(), "--max-sequences", "6"};
  const json result = json_of("mixed", data);
  EXPECT_EQ(result["n"], 32);
  EXPECT_EQ(result["sequences"], 6);
  EXPECT_EQ(result["index"], 8);  // n / 4
  ASSERT_THAT(result["layers"], SizeIs(2));
  const json& standard = result["layers"][0];
  const json& linformer = result["layers"][1];
  EXPECT_EQ(standard["type"], "standard");
  EXPECT_EQ(standard["columns"], 32);
  EXPECT_EQ(linformer["type"], "linformer");
  EXPECT_EQ(linformer["columns"], 8);
  double sum = 0.0;
  for (const json& layer : result["layers"]) {
    ASSERT_THAT(layer["heads"], SizeIs(2));
    for (const json& head : layer["heads"]) {
      const std::vector<double> cumulative = head["cumulative"];
      ASSERT_EQ(cumulative.size(), layer["columns"].get<size_t>());
      EXPECT_TRUE(std::is_sorted(cumulative.begin(), cumulative.end()));
      EXPECT_GT(cumulative.front(), 1.0 / 32);
      EXPECT_NEAR(cumulative.back(), 1.0, 1e-12);
      EXPECT_EQ(head["at_index"].get<double>(), cumulative[7]);
      EXPECT_FALSE(head.contains("indices"));
      sum += cumulative[7];
    }
  }
  EXPECT_NEAR(result["mean_at_index"].get<double>(), sum / 4, 1e-12);
  EXPECT_EQ(json_of("mixed", data), result);
  // Text and its shards are one; another index changes nothing but the value there.
  ASSERT_EQ(prepare(valid_text(), "valid").exit_code, 0);
  const json shards =
      json_of("mixed", {"--data", file("valid"), "--max-sequences", "6", "--index", "3"});
  EXPECT_EQ(shards["index"], 3);
  for (size_t h = 0; h < 2; ++h) {
    const json& head = shards["layers"][0]["heads"][h];
    EXPECT_EQ(head["cumulative"], standard["heads"][h]["cumulative"]);
    EXPECT_EQ(head["at_index"], head["cumulative"][2]);
  }
}

TEST_F(EvalSpectrumTest, ThinsTheList) {
  const std::vector<std::string> data{"--data", valid_text(), "--max-sequences", "2"};
  std::vector<std::string> thinned = data;
  thinned.insert(thinned.end(), {"--points", "4", "--index", "5"});
  const json all = json_of("mixed", data);
  const json some = json_of("mixed", thinned);
  const json& head = some["layers"][0]["heads"][1];
  EXPECT_THAT(head["indices"], ElementsAre(8, 16, 24, 32));
  EXPECT_THAT(some["layers"][1]["heads"][1]["indices"], ElementsAre(2, 4, 6, 8));
  const json& full = all["layers"][0]["heads"][1]["cumulative"];
  EXPECT_THAT(head["cumulative"], ElementsAre(full[7], full[15], full[23], full[31]));
  EXPECT_EQ(head["at_index"], full[4]);  // of all values, whatever is listed
}

TEST_F(EvalSpectrumTest, LabelledTextOfOneLength) {
  const std::vector<std::string> task{"--task",        "sst-2",    "--input",
                                      file("dev.tsv"), "--length", "16"};
  for (const char* checkpoint : {"standard", "mixed"}) {  // a classifier and a masked LM
    const json result = json_of(checkpoint, task);
    EXPECT_EQ(result["n"], 16);
    EXPECT_EQ(result["rows_read"], 5);
    EXPECT_EQ(result["rows_too_short"], 1);
    EXPECT_EQ(result["rows_cut"], 4);
    EXPECT_EQ(result["sequences"], 4);
    EXPECT_EQ(result["index"], 4);
    EXPECT_EQ(result["layers"][0]["columns"], 16);
  }
}

TEST_F(EvalSpectrumTest, TableOfTheValueAtTheIndex) {
  const ProgramResult mixed = run("mixed", {"--data", valid_text(), "--max-sequences", "2"});
  EXPECT_EQ(mixed.exit_code, 0) << mixed.err;
  EXPECT_THAT(mixed.out,
              AllOf(HasSubstr("first 8 singular values"), HasSubstr("2 sequences of 32 tokens"),
                    HasSubstr("32 x 32"), HasSubstr("32 x 8"), HasSubstr("head 1"),
                    HasSubstr("k columns has k singular values")));
  const ProgramResult window = run(
      "window", {"--data", valid_text(), "--max-sequences", "2", "--max-sequence-length", "16"});
  EXPECT_EQ(window.exit_code, 0) << window.err;
  EXPECT_THAT(window.out,
              AllOf(HasSubstr("local_window"), HasSubstr("16 x 16"), Not(HasSubstr("k columns"))));
}

TEST_F(EvalSpectrumTest, ErrorsSayWhereWhatAndHow) {
  const std::vector<std::string> data{"--data", valid_text()};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = data;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  expect_refusal("nowhere", data, 2, {file("nowhere")});
  for (const char* index : {"0", "-3", "33"}) {
    expect_refusal("mixed", with({"--index", index}), 2,
                   {"--index: " + std::string(index), "give 1 to 32"});
  }
  expect_refusal("mixed", with({"--length", "33"}), 2, {"--length: 33", "at most 32"});
  expect_refusal("mixed", with({"--length", "7"}), 2, {"--length: 7 tokens are too few"});
  expect_refusal("mixed", {}, 2, {"either --data or --task"});
  expect_refusal("mixed", with({"--task", "sst-2", "--input", file("dev.tsv")}), 2,
                 {"either --data or --task"});
  expect_refusal("mixed", with({"--input", file("dev.tsv")}), 2, {"--input: belongs to --task"});
  expect_refusal("mixed", {"--task", "sst-2"}, 2, {"--input: is missing"});
  expect_refusal("mixed", {"--task", "sst2x", "--input", file("dev.tsv")}, 2,
                 {"did you mean 'sst-2'?"});
  write_file_atomically(file("short.txt"), "the house\n");
  expect_refusal("mixed", {"--data", file("short.txt")}, 1,
                 {file("short.txt") + ": none of its 1 rows has 32 tokens"});
}

}  // namespace
}  // namespace linformer
