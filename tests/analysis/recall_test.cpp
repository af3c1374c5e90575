#include "linformer/analysis/recall.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/analysis/recall_questions.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(CountAnswers, ByHand) {
  // kind, distance, tokens, right, guessed, nll
  const std::vector<RecallAnswer> answers{{FactKind::kTrade, 5, 2, true, false, 0.5},
                                          {FactKind::kTrade, 7, 1, false, true, 2.0},
                                          {FactKind::kHome, 0, 1, false, false, 8.0},
                                          {FactKind::kLastName, 8, 3, true, false, 0.25},
                                          {FactKind::kLastName, 1, 1, true, true, 0.25}};
  const RecallResult result = count_answers(answers, 16);
  EXPECT_EQ(result.num_tokens, 8);
  EXPECT_EQ(result.all.num_questions, 5);
  EXPECT_EQ(result.all.accuracy(), 0.6);
  EXPECT_EQ(result.all.baseline_accuracy(), 0.4);
  EXPECT_EQ(result.all.mean_nll(), 2.2);  // 11 / 5

  // up to 15 tokens apart
  const std::vector<std::string> names{"not seen elsewhere", "1", "2-3", "4-7", "8-15"};
  const std::vector<std::vector<int64_t>> counts{{1, 0}, {1, 1}, {0, 0}, {2, 1}, {1, 1}};
  ASSERT_EQ(result.by_distance.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(result.by_distance[i].name, names[i]);
    EXPECT_EQ(result.by_distance[i].num_questions, counts[i][0]) << names[i];
    EXPECT_EQ(result.by_distance[i].num_right, counts[i][1]) << names[i];
  }
  EXPECT_EQ(result.by_distance[3].mean_nll(), 1.25);  // (0.5 + 2) / 2
  EXPECT_EQ(result.by_distance[3].num_guessed, 1);
  EXPECT_TRUE(std::isnan(result.by_distance[2].accuracy()));
  EXPECT_TRUE(std::isnan(result.by_distance[2].baseline_accuracy()));
  EXPECT_TRUE(std::isnan(result.by_distance[2].mean_nll()));

  ASSERT_EQ(result.by_fact.size(), 5U);
  EXPECT_EQ(result.by_fact[0].name, "trade");
  EXPECT_EQ(result.by_fact[0].accuracy(), 0.5);
  EXPECT_EQ(result.by_fact[1].name, "home");
  EXPECT_EQ(result.by_fact[1].accuracy(), 0.0);
  EXPECT_EQ(result.by_fact[2].num_questions, 0);
  EXPECT_EQ(result.by_fact[4].name, "last name");
  EXPECT_EQ(result.by_fact[4].accuracy(), 1.0);
}

class RecallTest : public ::testing::Test {
 protected:
  RecallTest() {
    config_.vocab_size = unigram_tokenizer().vocab_size();
    config_.hidden_size = 8;
    config_.num_hidden_layers = 1;
    config_.num_attention_heads = 2;
    config_.intermediate_size = 16;
    config_.max_sequence_length = 64;
    config_.initializer_range = 0.3;
    config_.attention.projected_length = 8;
  }
  std::optional<RecallResult> measure(const Model& model, int64_t questions,
                                      int64_t batch_size) const {
    return measure_recall(model, unigram_tokenizer(), {3, questions, 64, batch_size});
  }

  ModelConfig config_;
};

TEST_F(RecallTest, AModelThatAlwaysSaysTheSameIsRightWhereThatIsTheWord) {
  RecallQuestions source(unigram_tokenizer(), 3, 64, 200);
  std::map<int32_t, int64_t> whole_words;  // of one token
  int64_t num_tokens = 0;
  while (const auto question = source.next()) {
    num_tokens += static_cast<int64_t>(question->row.labels.size());
    if (question->row.labels.size() == 1) ++whole_words[question->row.labels[0]];
  }
  ASSERT_FALSE(whole_words.empty());
  const auto [id, count] = *whole_words.begin();
  const Model model(config_, 1);
  const at::NoGradGuard no_grad;
  at::Tensor(model.parameters().get("lm_head.bias"))[id].fill_(1000.0);
  const std::optional<RecallResult> result = measure(model, 200, 8);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->all.num_questions, 200);
  EXPECT_EQ(result->all.num_right, count);
  EXPECT_EQ(result->num_tokens, num_tokens);
  // about 1,000 nats for every other token
  EXPECT_GT(result->all.nll_sum, 900.0 * static_cast<double>(num_tokens - count));
}

TEST_F(RecallTest, EqualLogitsAreALossOfTheVocabulary) {
  const Model model(config_, 1);
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor(parameter.tensor).zero_();
  }
  const std::optional<RecallResult> result = measure(model, 50, 8);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->all.num_right, 0);  // the first of equal ones is <s>
  const double tokens = static_cast<double>(result->num_tokens);
  EXPECT_NEAR(result->all.nll_sum, tokens * std::log(1000.0), 1e-3 * tokens);
}

TEST_F(RecallTest, RandomWeightsRecallNothingAndBatchesChangeNothing) {
  const Model model(config_, 1);
  const std::optional<RecallResult> eight = measure(model, 100, 8);
  const std::optional<RecallResult> one = measure(model, 100, 1);
  const std::optional<RecallResult> again = measure(model, 100, 8);
  EXPECT_LE(eight->all.num_right, 3);
  EXPECT_EQ(eight->all.nll_sum, again->all.nll_sum);
  for (size_t i = 0; i < eight->by_distance.size(); ++i) {
    EXPECT_EQ(eight->by_distance[i].num_questions, one->by_distance[i].num_questions);
    EXPECT_EQ(eight->by_distance[i].num_right, one->by_distance[i].num_right);
    EXPECT_EQ(eight->by_distance[i].num_guessed, one->by_distance[i].num_guessed);
    EXPECT_NEAR(eight->by_distance[i].nll_sum, one->by_distance[i].nll_sum, 1e-2);
  }
}

TEST_F(RecallTest, StopsAtASignalAndAtNumbersThatAreNotFinite) {
  const Model model(config_, 1);
  set_stop_signal(15);
  EXPECT_FALSE(measure(model, 20, 4));
  set_stop_signal(0);
  const at::NoGradGuard no_grad;
  at::Tensor(model.parameters().get("lm_head.bias")).fill_(std::nan(""));
  EXPECT_THAT(message_of<RunError>([&] { measure(model, 20, 4); }), HasSubstr("not finite"));
}

}  // namespace
}  // namespace linformer
