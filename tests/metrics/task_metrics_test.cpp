#include "linformer/metrics/task_metrics.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;
using Values = std::vector<double>;

nlohmann::json fixture() {
  const std::string path = LINFORMER_SHARED_DIR "/fixtures/scalars.json";
  if (!std::filesystem::exists(path)) return nullptr;
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// Compares each metric that the case has; null stands for "undefined".
int check_case(const nlohmann::json& expected) {
  const auto predictions = expected["predictions"].get<Values>();
  const auto targets = expected["labels"].get<Values>();
  const std::map<std::string, Metric> names{{"accuracy", Metric::kAccuracy},
                                            {"matthews_correlation", Metric::kMcc},
                                            {"f1", Metric::kF1},
                                            {"pearson", Metric::kPearson},
                                            {"spearman", Metric::kSpearman}};
  int compared = 0;
  for (const auto& [name, metric] : names) {
    if (!expected.contains(name)) continue;
    const double value = metric_value(metric, predictions, targets);
    const std::string about = name + " of " + expected.value("kind", "three classes");
    if (expected[name].is_null()) {
      EXPECT_TRUE(std::isnan(value)) << about;
    } else {
      EXPECT_NEAR(value, expected[name].get<double>(), 1e-9) << about;
    }
    ++compared;
  }
  return compared;
}

// ../shared/fixtures/scalars.json: scikit-learn and SciPy, degenerate cases among them.
TEST(TaskMetrics, EqualScikitLearnAndScipy) {
  const nlohmann::json all = fixture();
  if (all.is_null()) GTEST_SKIP() << "../shared/fixtures is absent";
  int compared = 0;
  for (const char* group : {"classification", "three_class", "regression"}) {
    for (const auto& expected : all[group]) compared += check_case(expected);
  }
  EXPECT_EQ(compared, 6 * 3 + 2 + 4 * 2);
}

TEST(TaskMetrics, AreNamedAsInConfigurations) {
  const std::array<Metric, 3> metrics{Metric::kAccuracy, Metric::kF1, Metric::kMacroF1};
  const std::vector<float> predictions{1, 1, 0, 0};
  const std::vector<float> targets{1, 0, 0, 0};
  // class 1: tp 1, fp 1, fn 0; class 0: tp 2, fp 0, fn 1
  const std::vector<MetricValue> expected{
      {"accuracy", 0.75}, {"f1", 2.0 / 3.0}, {"macro_f1", (2.0 / 3.0 + 4.0 / 5.0) / 2.0}};
  EXPECT_EQ(metric_values(metrics, predictions, targets), expected);
  EXPECT_EQ(enum_of<Metric>("spearman"), Metric::kSpearman);
  EXPECT_EQ(enum_of<Metric>("mcc"), Metric::kMcc);
  EXPECT_FALSE(enum_of<Metric>("F-measure"));
}

TEST(TaskMetrics, MajorityBaselineOfEachMetric) {
  const Values targets{1, 1, 1, 0};
  EXPECT_DOUBLE_EQ(majority_baseline(Metric::kAccuracy, targets), 0.75);
  EXPECT_DOUBLE_EQ(majority_baseline(Metric::kF1, targets), 6.0 / 7.0);  // tp 3, fp 1
  EXPECT_DOUBLE_EQ(majority_baseline(Metric::kMcc, targets), 0.0);
  EXPECT_TRUE(std::isnan(majority_baseline(Metric::kPearson, targets)));
  // With class 0 in the majority, class 1 is never predicted.
  EXPECT_DOUBLE_EQ(majority_baseline(Metric::kF1, Values{0, 0, 1}), 0.0);
}

TEST(TaskMetrics, RefuseWhatTheyAreNotFor) {
  const auto refusal = [](Metric metric, const Values& predictions, const Values& targets) {
    return message_of<RunError>([&] { metric_value(metric, predictions, targets); });
  };
  EXPECT_THAT(refusal(Metric::kF1, {0, 2}, {0, 1}), HasSubstr("metric f1: is of class 1 against"));
  EXPECT_THAT(refusal(Metric::kAccuracy, {0, 0.5}, {0, 1}),
              HasSubstr("metric accuracy: prediction 1 is 0.5, not a class"));
  EXPECT_THAT(refusal(Metric::kMcc, {0, 1}, {std::nan(""), 1}),
              HasSubstr("target 0 is nan, not a class"));
  EXPECT_THAT(refusal(Metric::kMcc, {0, -1}, {0, 1}), HasSubstr("prediction 1 is -1"));
  EXPECT_THAT(refusal(Metric::kAccuracy, {}, {}), HasSubstr("no row"));
  EXPECT_THAT(refusal(Metric::kSpearman, {}, {}), HasSubstr("no row"));
}

}  // namespace
}  // namespace linformer
