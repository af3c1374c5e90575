// linformer-eval projection-error, run as a program on small models with random weights.
#include <cmath>

#include "cli/attention_fixture.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class EvalProjectionTest : public AttentionProgramTest {
 protected:
  EvalProjectionTest() : AttentionProgramTest("projection-error") {}

  std::vector<std::string> with(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"--data", valid_text(), "--max-sequences", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(EvalProjectionTest, TheoremsAndLearnedProjections) {
  const auto arguments =
      with({"--lengths", "16,32", "--projected-lengths", "4,16", "--epsilons", "0.5,0.75"});
  const json result = json_of("mixed", arguments);
  EXPECT_EQ(result["n"], 32);
  EXPECT_EQ(result["sequences"], 3);
  EXPECT_EQ(result["draws"], 3);
  EXPECT_EQ(result["head_size"], 8);
  ASSERT_THAT(result["bounds"], SizeIs(4));
  EXPECT_NEAR(result["bounds"][2]["theorem_1_k"].get<double>(), 40.0 * std::log(32.0), 1e-9);
  EXPECT_NEAR(result["bounds"][0]["theorem_2_k"]["proof_d"].get<double>(), 72.0 * std::log(8.0),
              1e-9);
  ASSERT_THAT(result["theorem_1"], SizeIs(4));
  for (const char* theorem : {"theorem_1", "theorem_2"}) {
    for (const json& errors : result[theorem]) {
      ASSERT_THAT(errors["heads"], SizeIs(2));  // of the one standard layer
      EXPECT_EQ(errors["heads"][1]["layer"], 0);
      EXPECT_EQ(errors["heads"][1]["head"], 1);
    }
  }
  for (const size_t i : {0, 2}) {  // k = 4 and 16 at one n
    const json& few = result["theorem_1"][i];
    const json& many = result["theorem_1"][i + 1];
    EXPECT_EQ(few["k"], 4);
    EXPECT_EQ(many["k"], 16);
    EXPECT_GT(few["random"]["mean"], many["random"]["mean"]);
    EXPECT_GT(few["random"]["mean"], few["best"]["mean"]);
    ASSERT_THAT(few["random"]["share_above"], SizeIs(2));
  }
  EXPECT_EQ(result["theorem_1"][1]["best"]["mean"], 0.0);  // k = n
  EXPECT_EQ(result["theorem_2"][0]["delta"], 1.0 / 16);
  EXPECT_GT(result["theorem_2"][0]["of_output"]["mean"],
            result["theorem_2"][0]["of_bound"]["mean"]);
  ASSERT_THAT(result["learned"], SizeIs(4));  // two n, two heads
  EXPECT_EQ(result["learned"][3]["layer"], 1);
  EXPECT_EQ(result["learned"][3]["k"], 8);
  EXPECT_GT(result["learned"][3]["mean"], 0.0);
  EXPECT_EQ(json_of("mixed", arguments), result);
  const ProgramResult table = run("mixed", arguments);
  EXPECT_THAT(table.out,
              AllOf(HasSubstr("theorem 1, n = 16"), HasSubstr("theorem 2, n = 32"),
                    HasSubstr("best of rank k"), HasSubstr("> 0.75"), HasSubstr("layer 0"),
                    HasSubstr("learned projections, n = 32"), HasSubstr("5 ln(n d)")));
}

TEST_F(EvalProjectionTest, OfOneKindAlone) {
  const json linformer = json_of("linformer", with({}));
  EXPECT_THAT(linformer["theorem_1"], IsEmpty());
  EXPECT_THAT(linformer["theorem_2"], IsEmpty());
  EXPECT_THAT(linformer["learned"], SizeIs(4));
  EXPECT_THAT(run("linformer", with({})).out,
              AllOf(HasSubstr("No layer of type standard"), Not(HasSubstr("theorem 1"))));
  // A classifier, on labelled text; k = n / 16, n / 8, n / 4, n / 2.
  const json standard = json_of("standard", {"--task", "sst-2", "--input", file("dev.tsv"),
                                             "--lengths", "16", "--delta", "0.5"});
  EXPECT_EQ(standard["sequences"], 4);
  EXPECT_EQ(standard["rows_too_short"], 1);
  ASSERT_THAT(standard["theorem_1"], SizeIs(4));
  EXPECT_EQ(standard["theorem_1"][3]["k"], 8);
  EXPECT_THAT(standard["theorem_1"][3]["heads"], SizeIs(4));
  EXPECT_EQ(standard["theorem_2"][3]["delta"], 0.5);
  EXPECT_THAT(standard["learned"], IsEmpty());
  EXPECT_THAT(run("standard", with({})).out, Not(HasSubstr("learned")));
}

TEST_F(EvalProjectionTest, ErrorsSayWhereWhatAndHow) {
  expect_refusal("nowhere", with({}), 2, {file("nowhere")});
  expect_refusal("window", with({}), 1, {file("window") + ": has no layer of type standard"});
  expect_refusal("linformer", with({"--projected-lengths", "4"}), 2,
                 {"--projected-lengths", "has no layer of type standard"});
  expect_refusal("mixed", with({"--projected-lengths", "33"}), 2,
                 {"--projected-lengths: 33 rows of sequences of n = 32", "1 to 32"});
  expect_refusal("mixed", with({"--projected-lengths", "0"}), 2, {"--projected-lengths: 0"});
  expect_refusal("mixed", with({"--lengths", "8,32", "--projected-lengths", "9"}), 2, {"n = 8"});
  expect_refusal("mixed", with({"--lengths", "33"}), 2, {"--lengths: 33", "at most 32"});
  for (const char* epsilon : {"0", "1", "-0.5"}) {
    expect_refusal("mixed", with({"--epsilons", epsilon}), 2, {"--epsilons: "});
  }
  expect_refusal("mixed", {}, 2, {"either --data or --task"});
}

}  // namespace
}  // namespace linformer
