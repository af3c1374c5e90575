#include "linformer/analysis/text_prediction.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/analysis/feature_extraction.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"
#include "linformer/models/model_folder.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int32_t kMask = 29;

ModelConfig tiny() {
  ModelConfig config;
  config.vocab_size = 30;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 12;
  config.initializer_range = 0.5;  // probabilities that differ
  config.attention.projected_length = 3;
  return config;
}

InputRow row_of(const std::vector<int32_t>& ids) {
  return {ids, std::vector<uint8_t>(ids.size(), 1), {}};
}

const std::vector<InputRow> kRows{row_of({0, 5, kMask, 2}),
                                  {},
                                  row_of({0, kMask, 7, 8, kMask, 9, 10, 2}),
                                  row_of({0, 11, kMask, 12, 2}),
                                  row_of({0, 11, 2})};

std::vector<std::vector<MaskGuesses>> predict(int64_t top_k, const BatchBounds& bounds) {
  const MaskFiller filler(std::make_unique<Model>(tiny(), 1));
  return filler.predict(kRows, top_k, bounds);
}

TEST(MaskFiller, ProbabilitiesAreTheSoftmaxOfTheLogits) {
  const auto answers = predict(30, {2, 100});
  ASSERT_THAT(answers, SizeIs(5));
  EXPECT_THAT(answers[1], IsEmpty());
  EXPECT_THAT(answers[4], IsEmpty());
  ASSERT_THAT(answers[2], SizeIs(2));
  EXPECT_EQ(answers[2][0].position, 1);
  EXPECT_EQ(answers[2][1].position, 4);
  // the logits of `linformer-predict features`
  const TemporaryFolder folder;
  const std::string path = folder.file("features.safetensors");
  const std::vector<size_t> given{0, 2, 3};
  write_features(Model(tiny(), {}, 1), {kRows[0], kRows[2], kRows[3]}, 8, path);
  const at::Tensor logits = load_tensors(path).at("logits");
  for (size_t r = 0; r < given.size(); ++r) {
    for (const MaskGuesses& mask : answers[given[r]]) {
      const at::Tensor line = logits[static_cast<int64_t>(r)][mask.position].to(at::kDouble);
      double sum = 0.0;
      for (int64_t v = 0; v < 30; ++v) sum += std::exp(line[v].item<double>());
      ASSERT_THAT(mask.guesses, SizeIs(30));
      double previous = 1.0;
      double total = 0.0;
      for (const TokenGuess& guess : mask.guesses) {
        EXPECT_NEAR(guess.probability, std::exp(line[guess.id].item<double>()) / sum, 1e-6);
        EXPECT_LE(guess.probability, previous);
        previous = guess.probability;
        total += guess.probability;
      }
      EXPECT_NEAR(total, 1.0, 1e-6);
    }
  }
}

TEST(MaskFiller, TopKAreTheFirstOfAll) {
  const auto all = predict(100, {8, 1000});  // no more than the vocabulary has
  const auto three = predict(3, {8, 1000});
  for (size_t r = 0; r < all.size(); ++r) {
    for (size_t m = 0; m < all[r].size(); ++m) {
      ASSERT_THAT(all[r][m].guesses, SizeIs(30));
      ASSERT_THAT(three[r][m].guesses, SizeIs(3));
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(three[r][m].guesses[i].id, all[r][m].guesses[i].id);
      }
    }
  }
}

TEST(MaskFiller, BatchesChangeNothing) {
  const auto one = predict(30, {1, 1});
  const auto all = predict(30, {8, 1000});
  for (size_t r = 0; r < one.size(); ++r) {
    ASSERT_EQ(one[r].size(), all[r].size());
    for (size_t m = 0; m < one[r].size(); ++m) {
      for (size_t i = 0; i < 30; ++i) {
        EXPECT_NEAR(one[r][m].guesses[i].probability, all[r][m].guesses[i].probability, 1e-5);
      }
    }
  }
}

TEST(MaskFiller, ManyMasksGoThroughTheHeadInParts) {
  ModelConfig config = tiny();
  config.max_sequence_length = 400;
  const MaskFiller filler(std::make_unique<Model>(config, 1));
  std::vector<int32_t> ids{0};
  for (int i = 0; i < 300; ++i) ids.push_back(i % 4 == 3 ? 5 : kMask);
  ids.push_back(2);
  const std::vector<InputRow> rows{row_of(ids), row_of({0, kMask, 2})};
  const auto answers = filler.predict(rows, 2);
  ASSERT_THAT(answers[0], SizeIs(225));  // 3 of 4
  EXPECT_THAT(answers[1], SizeIs(1));
  EXPECT_EQ(answers[0][224].position, 299);  // 1 + 298, the last that is no fourth
  for (size_t m = 1; m < 225; ++m) EXPECT_LT(answers[0][m - 1].position, answers[0][m].position);
}

TEST(MaskFiller, RefusesAModelWithAnotherHead) {
  const TemporaryFolder folder;
  const HeadConfig head{HeadType::kClassification, {"no", "yes"}};
  const Model model(tiny(), head, 1);
  save_model_files(folder.path(), to_config_json(tiny(), head), saved_tensors(model), "");
  EXPECT_THAT(message_of<RunError>([&] { MaskFiller::load(folder.path()); }),
              HasSubstr("is a model for classification, not a masked LM"));
}

/// Rows of all lengths from 3 to 12, not in that order, and one without ids.
std::vector<InputRow> mixed_rows() {
  std::vector<InputRow> rows;
  for (int i = 0; i < 30; ++i) {
    std::vector<int32_t> ids{0};
    for (int j = 0; j < 1 + i * 7 % 10; ++j) ids.push_back(4 + (i * 5 + j * 3) % 15);
    ids.push_back(2);
    rows.push_back(row_of(ids));
  }
  rows[4] = {};
  return rows;
}

ModelConfig with_dropout() {
  ModelConfig config = tiny();
  config.hidden_dropout_prob = 0.5;  // must not show
  return config;
}

TEST(TextClassifier, GivesTheModelsOutputsInTheOrderOfTheRows) {
  const HeadConfig head{HeadType::kClassification, {"no", "maybe", "yes"}};
  const Model model(with_dropout(), head, 1);
  const TextClassifier classifier(std::make_unique<Model>(with_dropout(), head, 1));
  const std::vector<InputRow> rows = mixed_rows();
  const auto outputs = classifier.predict(rows, {4, 30});
  ASSERT_THAT(outputs, SizeIs(30));
  const at::NoGradGuard no_grad;
  for (size_t r = 0; r < 30; ++r) {
    if (rows[r].input_ids.empty()) {
      EXPECT_THAT(outputs[r], IsEmpty());
      continue;
    }
    ForwardContext evaluation;
    const at::Tensor ids =
        at::tensor(at::ArrayRef<int32_t>(rows[r].input_ids)).to(at::kLong).unsqueeze(0);
    const at::Tensor hidden = model.encoder().forward(ids, {}, evaluation);
    const at::Tensor alone = model.classification_head().logits(hidden, {}, evaluation);
    ASSERT_THAT(outputs[r], SizeIs(3));
    for (size_t o = 0; o < 3; ++o) {
      EXPECT_NEAR(outputs[r][o], alone[0][static_cast<int64_t>(o)].item<double>(), 1e-5) << r;
    }
  }
}

TEST(TextClassifier, BatchesChangeNothing) {
  const TextClassifier score(
      std::make_unique<Model>(tiny(), HeadConfig{HeadType::kRegression, {}}, 1));
  const std::vector<InputRow> rows = mixed_rows();
  const auto one = score.predict(rows, {1, 1});
  const auto all = score.predict(rows, {64, 100'000});
  for (size_t i = 0; i < 30; ++i) {
    if (i == 4) continue;
    EXPECT_NEAR(one[i].at(0), all[i].at(0), 1e-5) << i;
  }
}

TEST(TextClassifier, StopsAtASignalAndAtNumbersThatAreNotFinite) {
  auto model = std::make_unique<Model>(tiny(), HeadConfig{HeadType::kRegression, {}}, 1);
  const at::NoGradGuard no_grad;
  at::Tensor(model->parameters().all().back().tensor).fill_(std::nan(""));
  const TextClassifier classifier(std::move(model));
  set_stop_signal(15);
  EXPECT_THAT(classifier.predict(mixed_rows()), IsEmpty());
  set_stop_signal(0);
  EXPECT_THAT(message_of<RunError>([&] { classifier.predict(mixed_rows()); }),
              HasSubstr("not finite"));
}

TEST(MostProbable, IsTheSoftmaxLargestFirst) {
  // exp(0) + exp(ln 3) + exp(ln 4) + exp(0) = 1 + 3 + 4 + 1 = 9
  const std::vector<float> logits{0.0F, std::log(3.0F), std::log(4.0F), 0.0F};
  const auto all = most_probable(logits, 10);
  ASSERT_THAT(all, SizeIs(4));
  const std::vector<int64_t> labels{2, 1, 0, 3};
  const std::vector<double> ninths{4, 3, 1, 1};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all[i].label, labels[i]);
    EXPECT_NEAR(all[i].probability, ninths[i] / 9.0, 1e-6);
  }
  EXPECT_THAT(most_probable(logits, 2), SizeIs(2));
  // large ones do not overflow
  const std::vector<float> large{1000.0F, 1000.0F};
  EXPECT_EQ(most_probable(large, 2)[1].probability, 0.5);
}

}  // namespace
}  // namespace linformer
