#include "linformer/analysis/projection_study.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/tiny_model.h"

#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<InputRow> rows() {
  std::vector<InputRow> all(2);
  for (InputRow& row : all) {
    const int32_t shift = &row == all.data() ? 0 : 3;
    for (int32_t i = 0; i < 8; ++i) row.input_ids.push_back(5 + (3 * i + shift) % 5);
    row.attention_mask.assign(8, 1);
  }
  return all;
}

ModelConfig mixed_config() {
  ModelConfig config = tiny_model();
  config.num_hidden_layers = 3;
  config.attention.attention_window = 2;
  config.attention.type = OneOrMany<AttentionType>(
      std::vector{AttentionType::kStandard, *enum_of<AttentionType>("local_window"),
                  AttentionType::kLinformer});
  return config;
}

ProjectionStudyOptions small_options() {
  ProjectionStudyOptions options;
  options.lengths = {6, 8};
  options.projected_lengths = {2, 4, 6};
  options.num_draws = 40;
  return options;
}

TEST(StudyProjections, MeasuresEachLayerOfItsKind) {
  const Model model(mixed_config(), 3, at::kDouble);
  const ProjectionStudy study = study_projections(model, rows(), small_options());
  EXPECT_TRUE(study.complete);
  EXPECT_EQ(study.num_sequences, 2);
  ASSERT_THAT(study.standard, SizeIs(6));  // n = 6 and 8, three k each
  EXPECT_EQ(study.standard[0].n, 6);
  EXPECT_EQ(study.standard[0].k, 2);
  EXPECT_EQ(study.standard[0].delta, 1.0 / 6);
  EXPECT_EQ(study.standard[5].n, 8);
  EXPECT_EQ(study.standard[5].k, 6);
  for (const ProjectedErrors& errors : study.standard) {
    ASSERT_THAT(errors.heads, SizeIs(2));  // of the one standard layer
    EXPECT_EQ(errors.heads[1].layer, 0);
    EXPECT_EQ(errors.heads[1].head, 1);
    const double mean = (errors.heads[0].random.mean + errors.heads[1].random.mean) / 2;
    EXPECT_NEAR(errors.all.random.mean, mean, 1e-12);
    EXPECT_LT(errors.all.best.mean, errors.all.random.mean);
    EXPECT_LE(errors.all.random.median, errors.all.random.percentile_95);
    ASSERT_THAT(errors.all.random.shares_above, SizeIs(3));
    EXPECT_GE(errors.all.random.shares_above[0], errors.all.random.shares_above[2]);
    // |softmax(w) V| <= |softmax(w)| |V|, so the bound's error is the smaller one.
    EXPECT_LT(errors.all.of_bound.mean, errors.all.of_output.mean);
  }
  EXPECT_EQ(study.standard[2].all.best.mean, 0.0);  // n = k = 6
  ASSERT_THAT(study.learned, SizeIs(4));            // n = 6 and 8, two heads
  EXPECT_EQ(study.learned[3].layer, 2);
  EXPECT_EQ(study.learned[3].head, 1);
  EXPECT_EQ(study.learned[3].k, 3);
  EXPECT_GT(study.learned[3].errors.mean, 0.0);
}

TEST(StudyProjections, TheErrorFallsWithK) {
  const Model model(mixed_config(), 3, at::kDouble);
  const ProjectionStudy study = study_projections(model, rows(), small_options());
  for (const size_t i : {1, 2, 4, 5}) {
    EXPECT_LT(study.standard[i].all.random.mean, study.standard[i - 1].all.random.mean);
    EXPECT_LT(study.standard[i].all.best.mean, study.standard[i - 1].all.best.mean);
  }
}

TEST(StudyProjections, RepeatsAndDependsOnTheSeed) {
  const Model model(mixed_config(), 3);
  ProjectionStudyOptions options = small_options();
  const auto errors = [&] {
    const ProjectionStudy study = study_projections(model, rows(), options);
    const HeadErrors& first = study.standard[0].heads[0];
    return std::vector{first.random.mean, first.best.mean, first.of_bound.mean,
                       study.learned[0].errors.mean};
  };
  const std::vector<double> once = errors();
  EXPECT_EQ(errors(), once);
  options.seed = 2;
  EXPECT_NE(errors()[0], once[0]);
  EXPECT_EQ(errors()[1], once[1]);  // no random numbers in it
  options.seed = 1;
  options.delta = 0.5;
  EXPECT_EQ(errors()[0], once[0]);
  EXPECT_NE(errors()[2], once[2]);
}

TEST(StudyProjections, IdentityMatricesLearnStandardAttention) {
  for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
    ModelConfig config = tiny_model();
    config.attention.projected_length = 8;
    config.attention.order = order;
    const Model model(config, 3, at::kDouble);
    for (const char* name : {"E", "F"}) {
      model.parameters()
          .get("roberta.encoder.layer.0.attention.self." + std::string(name))
          .detach()
          .copy_(at::eye(8, at::kDouble));
    }
    ProjectionStudyOptions options;
    options.lengths = {8};
    const ProjectionStudy study = study_projections(model, rows(), options);
    EXPECT_THAT(study.standard, IsEmpty());
    ASSERT_THAT(study.learned, SizeIs(2));
    for (const LearnedErrors& learned : study.learned) {
      EXPECT_LT(learned.errors.percentile_95, 1e-12);
      EXPECT_EQ(learned.errors.shares_above[0], 0.0);
    }
  }
}

TEST(StudyProjections, SaysWhatShareIsDone) {
  const Model model(mixed_config(), 3);
  std::vector<double> shares;
  study_projections(model, rows(), small_options(), [&](int64_t layers, double share) {
    shares.push_back(share);
    EXPECT_EQ(layers, static_cast<int64_t>(shares.size()));
  });
  ASSERT_THAT(shares, SizeIs(12));  // 2 lengths, 2 rows, 3 layers
  // n = 6 and 8: a layer costs 36 and 64 of 6 (36 + 64) = 600.
  EXPECT_DOUBLE_EQ(shares[0], 0.06);
  EXPECT_DOUBLE_EQ(shares[6], (6.0 * 36.0 + 64.0) / 600.0);
  EXPECT_DOUBLE_EQ(shares[11], 1.0);
}

TEST(StudyProjections, StopsAtASignal) {
  const Model model(mixed_config(), 3);
  set_stop_signal(SIGTERM);
  const ProjectionStudy study = study_projections(model, rows(), small_options());
  set_stop_signal(0);
  EXPECT_FALSE(study.complete);
}

TEST(StudyProjections, RefusesNumbersThatAreNotFinite) {
  const Model model(mixed_config(), 3);
  model.parameters().all().front().tensor.detach().fill_(std::nan(""));
  EXPECT_THROW(study_projections(model, rows(), small_options()), RunError);
}

}  // namespace
}  // namespace linformer
