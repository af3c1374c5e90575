#include "linformer/objectives/batch_stream.h"

#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/objectives/pretraining_data.h"

namespace linformer {
namespace {

class BatchStreamTest : public ::testing::Test {
 protected:
  BatchStreamTest() : config_(tiny_.config("run")), data_(open_pretraining_data(config_)) {
    config_.data.final_mlm_probability = 0.55;
    config_.data.mlm_probability_steps = 4;
    config_.training.batch_ramp = {4, 2};
  }
  const BatchSource& source() const { return data_.train->batches(); }
  /// Of process `rank` of `processes`, in micro-batches of 4.
  std::function<Batch(int64_t)> stream(StreamStart start, int64_t rank = 0,
                                       int64_t processes = 1) const {
    return micro_batches_of(config_, source(), start,
                            [=](int64_t number) { return (number * processes + rank) * 4; });
  }

  TinyRun tiny_;
  PretrainConfig config_;
  PretrainingData data_;
};

TEST_F(BatchStreamTest, EachStepHasItsRate) {
  // Steps of 4, 4, 8, 8, ... sequences in micro-batches of 4, with the rates 0.15, 0.25, 0.35,
  // 0.45, then 0.55.
  const auto whole = stream({});
  const std::vector<double> rates{0.15, 0.25, 0.35, 0.35, 0.45, 0.45, 0.55, 0.55, 0.55};
  for (size_t i = 0; i < rates.size(); ++i) {
    const auto number = static_cast<int64_t>(i);
    EXPECT_EQ(whole(number), source().batch(4 * number, 4, rates[i])) << i;
  }
}

TEST_F(BatchStreamTest, ProcessesShareTheSteps) {
  config_.training.batch_ramp = {8, 2};
  config_.training.global_batch_size = 16;
  const auto whole = stream({});
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(stream({}, 0, 2)(i), whole(2 * i)) << i;
    EXPECT_EQ(stream({}, 1, 2)(i), whole(2 * i + 1)) << i;
  }
}

TEST_F(BatchStreamTest, ALaterSessionGoesOn) {
  const auto whole = stream({});
  // Three steps took 4 + 4 + 8 = 16 sequences, four micro-batches.
  const auto rest = stream({3, 16});
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(rest(i), whole(i + 4)) << i;
  // After a change of batch sizes the position goes on, and the rate is that of the step.
  const auto changed = stream({3, 40});
  EXPECT_EQ(changed(0), source().batch(40, 4, 0.45));
}

}  // namespace
}  // namespace linformer
