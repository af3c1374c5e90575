#include "linformer/objectives/evaluator.h"

#include <cmath>

#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/objectives/masked_lm_loss.h"
#include "linformer/objectives/pretraining_data.h"

namespace linformer {
namespace {

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest()
      : config_(tiny_.config("run")),
        data_(open_pretraining_data(config_)),
        model_(config_.model, 1) {}

  EvaluationResult evaluate(uint64_t mask_seed, int64_t batch_size, int64_t max_sequences = 0,
                            const UnigramModel* unigram = nullptr,
                            LossGroups* groups = nullptr) const {
    return evaluate_dataset(model_, data_.valid->batches(), {mask_seed, batch_size, max_sequences},
                            unigram, groups);
  }

  TinyRun tiny_;
  PretrainConfig config_;
  PretrainingData data_;
  Model model_;
};

TEST_F(EvaluatorTest, IsTheSumOverAllMaskedPositions) {
  const BatchSource& source = data_.valid->batches();
  double nll_sum = 0.0;
  double unigram_sum = 0.0;
  int64_t count = 0;
  const UnigramModel unigram = unigram_model_of(*data_.train);
  for (int64_t i = 0; i < source.num_sequences(); ++i) {
    const Batch batch = source.evaluation_batch(i, 1, 7);
    for (const double nll : masked_lm_losses(model_, batch)) nll_sum += nll;
    for (const int64_t label : batch.masked_labels) unigram_sum += unigram.nll(label);
    count += static_cast<int64_t>(batch.masked_labels.size());
  }
  const EvaluationResult result = evaluate(7, 4, 0, &unigram);
  EXPECT_EQ(result.model.masked_tokens, count);
  EXPECT_EQ(result.num_sequences, source.num_sequences());
  EXPECT_NEAR(result.model.nll_sum, nll_sum, 1e-4 * nll_sum);
  EXPECT_NEAR(result.model.perplexity(), std::exp(nll_sum / static_cast<double>(count)), 1e-2);
  EXPECT_NEAR(result.unigram->nll_sum, unigram_sum, 1e-9 * unigram_sum);
}

TEST_F(EvaluatorTest, SharesOfProcessesAddUpToTheWhole) {
  for (const int64_t processes : {2, 3}) {
    NllTotals sum;
    int64_t sequences = 0;
    for (int64_t rank = 0; rank < processes; ++rank) {
      const EvaluationResult part =
          evaluate_dataset(model_, data_.valid->batches(), {7, 4, 10, rank, processes}, nullptr);
      sum.add(part.model);
      sequences += part.num_sequences;
    }
    const EvaluationResult whole = evaluate(7, 4, 10);
    EXPECT_EQ(sequences, 10);  // batches of 4, 4 and 2
    EXPECT_EQ(sum.masked_tokens, whole.model.masked_tokens);
    EXPECT_NEAR(sum.nll_sum, whole.model.nll_sum, 1e-9 * sum.nll_sum);
  }
}

TEST_F(EvaluatorTest, MasksAreFrozenAndBatchSizeDoesNotMatter) {
  const EvaluationResult first = evaluate(7, 4);
  EXPECT_EQ(evaluate(7, 4).model, first.model);
  EXPECT_EQ(evaluate(7, 1).model.masked_tokens, first.model.masked_tokens);
  EXPECT_NEAR(evaluate(7, 1).model.nll_sum, first.model.nll_sum, 1e-5 * first.model.nll_sum);
  EXPECT_NE(evaluate(8, 4).model.nll_sum, first.model.nll_sum);
}

TEST_F(EvaluatorTest, GroupsHoldEveryTokenOnceAndSeeOneSequenceAtATime) {
  const EvaluationResult without = evaluate(7, 4);
  LossGroups four(config_.model.vocab_size);
  LossGroups one(config_.model.vocab_size);
  EXPECT_EQ(evaluate(7, 4, 0, nullptr, &four).model, without.model);
  evaluate(7, 1, 0, nullptr, &one);
  for (const LossSplit split :
       {LossSplit::kRepetition, LossSplit::kDistance, LossSplit::kFrequency}) {
    const std::vector<LossTable> tables = four.tables(split, {});
    const std::vector<LossTable> alone = one.tables(split, {});
    for (size_t t = 0; t < tables.size(); ++t) {
      TokenTotals sum;
      ASSERT_EQ(tables[t].groups.size(), alone[t].groups.size());
      for (size_t g = 0; g < tables[t].groups.size(); ++g) {
        sum.add(tables[t].groups[g].totals);
        // The neighbours in a batch and its padding change no group.
        EXPECT_EQ(tables[t].groups[g].totals.nll.masked_tokens,
                  alone[t].groups[g].totals.nll.masked_tokens);
      }
      // Losses are floats, and none of them near 0: doubles hold their sums exactly, in any order.
      EXPECT_EQ(sum.nll, without.model) << tables[t].key;
      EXPECT_EQ(sum, four.totals()) << tables[t].key;
    }
  }
}

TEST_F(EvaluatorTest, CountsWhatIsPredictedRight) {
  LossGroups groups(config_.model.vocab_size);
  evaluate(7, 4, 0, nullptr, &groups);
  const BatchSource& source = data_.valid->batches();
  int64_t num_right = 0;
  for (int64_t i = 0; i < source.num_sequences(); ++i) {
    const Batch batch = source.evaluation_batch(i, 1, 7);
    const MaskedLmScores scores = masked_lm_scores(model_, batch);
    for (size_t m = 0; m < batch.masked_labels.size(); ++m) {
      num_right += scores.best[m] == batch.masked_labels[m];
    }
  }
  EXPECT_EQ(groups.totals().num_right, num_right);
}

TEST_F(EvaluatorTest, CanLookAtAFew) {
  EXPECT_EQ(evaluate(7, 2, 3).num_sequences, 3);
}

}  // namespace
}  // namespace linformer
