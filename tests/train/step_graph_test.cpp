#include "linformer/train/step_graph.h"

#include <functional>
#include <memory>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/objectives/masked_lm_objective.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

// ---- whole runs
// ----------------------------------------------------------------------------------

class StepGraphRunTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "cuda" && !at::globalContext().hasCUDA()) {
      GTEST_SKIP() << "this machine has no CUDA device";
    }
  }
  PretrainConfig config(const std::string& name) const {
    PretrainConfig config = tiny_.config(name);
    config.run.device = GetParam() == "cuda" ? DeviceChoice::kCuda : DeviceChoice::kCpu;
    config.training.precision = Precision::kFp32;
    config.training.step_graph = StepGraphUse::kOff;
    return config;
  }
  /// The losses of all steps. Each of the run's 24 micro-batches runs as a graph if it has one.
  static std::vector<double> losses_of(const PretrainConfig& config) {
    ::testing::internal::CaptureStderr();
    PretrainingRun(config).run();
    const std::string output = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(output.find("24 of 24 micro-batches ran as a graph") != std::string::npos,
              config.training.step_graph == StepGraphUse::kOn)
        << output;
    std::vector<double> losses;
    for (const auto& line : log_of(config.run.dir)) {
      if (line.contains("loss")) losses.push_back(line.at("loss").get<double>());
    }
    return losses;
  }

  TinyRun tiny_;
};

TEST_P(StepGraphRunTest, TrainsAsWithoutAGraph) {
  for (const AttentionType attention :
       {AttentionType::kLinformer, AttentionType::kStandard, AttentionType::kLocalWindow}) {
    for (const bool recomputed : {false, true}) {
      const std::string name(name_of(attention));
      PretrainConfig plain = config(name + (recomputed ? "-recomputed" : ""));
      plain.model.attention.type = attention;
      plain.model.attention.attention_window = 8;
      plain.training.activation_checkpointing = recomputed;
      PretrainConfig graph = plain;
      graph.run.dir += "-graph";
      graph.training.step_graph = StepGraphUse::kOn;
      const std::vector<double> expected = losses_of(plain);
      const std::vector<double> found = losses_of(graph);
      ASSERT_EQ(found.size(), expected.size());
      EXPECT_EQ(found.size(), 12U);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_NEAR(found[i], expected[i], 2e-3 * expected[i]) << name << ", step " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, StepGraphRunTest, ::testing::Values("cpu", "cuda"),
                         [](const auto& device) { return device.param; });

// ---- one step
// --------------------------------------------------------------------------------------

/// A pass that can be made to give other numbers, or to fail.
class MadePass : public FixedShapePass {
 public:
  MadePass(std::unique_ptr<FixedShapePass> pass, std::function<void(at::Tensor& loss)> change)
      : pass_(std::move(pass)), change_(std::move(change)) {}
  bool take(const Batch& batch) override { return pass_->take(batch); }
  at::Tensor loss_sum(ForwardContext& context) const override {
    at::Tensor loss = pass_->loss_sum(context);
    change_(loss);
    return loss;
  }

 private:
  std::unique_ptr<FixedShapePass> pass_;
  std::function<void(at::Tensor& loss)> change_;
};

class StepGraphTest : public ::testing::Test {
 protected:
  StepGraphTest()
      : config_([this] {
          PretrainConfig config = tiny_.config("run");
          config.training.precision = Precision::kFp32;
          return config;
        }()),
        objective_(config_),
        optimizer_(make_optimizer(objective_.optimized_parameters(), config_.training.optimizer)),
        precision_(config_.training),
        step_(precision_, *optimizer_, config_.training.optimizer) {}

  StepGraph graph(std::function<void(at::Tensor& loss)> change = [](at::Tensor&) {}) {
    return {std::make_unique<MadePass>(objective_.fixed_shape_pass(), std::move(change)),
            {objective_.parameters(), *optimizer_, precision_, step_, false}};
  }
  Batch batch(int64_t number) const {
    return objective_.micro_batches({0, 0}, [](int64_t i) { return i * 4; })(number);
  }
  std::vector<at::Tensor> gradients() const {
    std::vector<at::Tensor> copies;
    for (const at::Tensor& gradient : optimizer_->gradients()) copies.push_back(gradient.clone());
    return copies;
  }
  /// Loss and gradients of batches without a graph.
  double without_graph(const std::vector<int64_t>& numbers) {
    double sum = 0.0;
    for (const int64_t number : numbers) {
      const Batch one = batch(number);
      ForwardContext context(key_of(number));
      sum += step_.accumulate([&] { return objective_.loss(one, context); }).sum.item<double>();
    }
    return sum;
  }
  static uint64_t key_of(int64_t number) { return 1000 + static_cast<uint64_t>(number); }
  void expect_gradients(const std::vector<at::Tensor>& expected) {
    const std::vector<at::Tensor> found = optimizer_->gradients();
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(at::allclose(found[i], expected[i], 1e-4, 1e-5)) << i;
    }
  }

  TinyRun tiny_;
  PretrainConfig config_;
  MaskedLmObjective objective_;
  std::unique_ptr<Optimizer> optimizer_;
  StepPrecision precision_;
  TrainingStep step_;
};

TEST_F(StepGraphTest, AddsTheGradientsOfEachMicroBatchWithItsOwnMasks) {
  StepGraph graph = this->graph();
  for (const std::vector<int64_t>& numbers :
       {std::vector<int64_t>{0, 1, 2}, std::vector<int64_t>{3, 0}}) {
    const double expected_loss = without_graph(numbers);
    const std::vector<at::Tensor> expected = gradients();
    step_.drop_gradients();
    double loss = 0.0;
    bool first = true;
    for (const int64_t number : numbers) {
      const Batch one = batch(number);
      const auto sum = graph.accumulate(one, key_of(number), first);
      ASSERT_TRUE(sum);
      EXPECT_EQ(sum->num_labels, static_cast<int64_t>(one.masked_labels.size()));
      loss += sum->sum.item<double>();
      first = false;
    }
    EXPECT_TRUE(graph.is_recorded());
    EXPECT_EQ(graph.num_left(), 0);
    EXPECT_NEAR(loss, expected_loss, 1e-4 * expected_loss);
    expect_gradients(expected);
    step_.drop_gradients();
    for (const at::Tensor& gradient : optimizer_->gradients()) {
      EXPECT_TRUE(at::equal(gradient, at::zeros_like(gradient)));
    }
  }
}

TEST_F(StepGraphTest, LeavesOtherShapesToTheCaller) {
  StepGraph graph = this->graph();
  Batch smaller = batch(0);
  smaller.num_sequences = 2;
  EXPECT_FALSE(graph.accumulate(smaller, 1, true));
  Batch crowded = batch(0);
  crowded.masked_labels.assign(1000, 5);
  crowded.masked_positions.assign(1000, 1);
  EXPECT_FALSE(graph.accumulate(crowded, 1, true));
  // Not the first of a step: its gradients would have to be told apart from others.
  EXPECT_FALSE(graph.accumulate(batch(0), 1, false));
  EXPECT_TRUE(optimizer_->gradients().empty());
  EXPECT_TRUE(graph.accumulate(batch(0), 1, true));
  EXPECT_FALSE(graph.accumulate(smaller, 1, false));
}

TEST_F(StepGraphTest, MovedWeightsAreRecordedAgain) {
  StepGraph graph = this->graph();
  ASSERT_TRUE(graph.accumulate(batch(0), key_of(0), true));
  step_.drop_gradients();
  at::Tensor weight = objective_.parameters().all().front().tensor;
  weight.set_data(weight.detach() * 2.0);
  const double expected_loss = without_graph({1});
  const std::vector<at::Tensor> expected = gradients();
  step_.drop_gradients();
  EXPECT_FALSE(graph.accumulate(batch(1), key_of(1), false));
  const auto sum = graph.accumulate(batch(1), key_of(1), true);
  ASSERT_TRUE(sum);
  EXPECT_NEAR(sum->sum.item<double>(), expected_loss, 1e-4 * expected_loss);
  expect_gradients(expected);
}

TEST_F(StepGraphTest, AGraphWithOtherNumbersIsGivenUpAndTheStepIsRight) {
  without_graph({0});
  const std::vector<at::Tensor> expected = gradients();
  step_.drop_gradients();
  int calls = 0;
  StepGraph graph = this->graph([&](at::Tensor& loss) {
    if (++calls > 1) loss = loss * 1.0001;
  });
  EXPECT_TRUE(graph.accumulate(batch(0), key_of(0), true));
  EXPECT_FALSE(graph.is_recorded());
  expect_gradients(expected);
  EXPECT_FALSE(graph.accumulate(batch(1), key_of(1), true));
  step_.drop_gradients();
  EXPECT_TRUE(optimizer_->gradients().empty());
}

TEST_F(StepGraphTest, SoIsOneThatCannotBeRecorded) {
  without_graph({0});
  const std::vector<at::Tensor> expected = gradients();
  step_.drop_gradients();
  int calls = 0;
  StepGraph graph = this->graph(
      [&](at::Tensor&) { TORCH_CHECK(++calls == 1, "this operation waits for the device"); });
  EXPECT_TRUE(graph.accumulate(batch(0), key_of(0), true));
  EXPECT_FALSE(graph.is_recorded());
  expect_gradients(expected);
}

}  // namespace
}  // namespace linformer
