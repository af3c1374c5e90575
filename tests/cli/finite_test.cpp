// Models whose weights or outputs are not finite: no program returns NaN as an answer.
#include <cmath>

#include <ATen/ATen.h>

#include "cli/model_fixture.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FiniteTest : public SmallModelTest {
 protected:
  /// Model folders NAME-mlm and NAME-classifier of which one weight has a value.
  void make_models(const std::string& name, const std::string& weight, double value) {
    damage(name + "-mlm", {}, weight, value);
    damage(name + "-classifier", {HeadType::kClassification, {"0", "1"}}, weight, value);
  }

  void damage(const std::string& name, const HeadConfig& head, const std::string& weight,
              double value) {
    make_model(name, head);
    const std::unique_ptr<Model> loaded = load_model(file(name));
    const Model& model = *loaded;
    model.parameters().get(weight).detach().fill_(value);
    save_model_files(file(name), read_text_file(file(name) + "/config.json"), saved_tensors(model),
                     read_text_file(this->model()));
  }

  /// Every command that reads a model for an answer.
  std::vector<std::vector<std::string>> commands(const std::string& name) const {
    const std::string mlm = file(name + "-mlm");
    const std::string classifier = file(name + "-classifier");
    const std::string output = file("features.safetensors");
    return {{"linformer-eval", "perplexity", "--checkpoint", mlm, "--data", file("held-out.txt")},
            {"linformer-eval", "perplexity", "--checkpoint", mlm, "--data", file("held-out.txt"),
             "--json"},
            {"linformer-eval", "perplexity", "--checkpoint", mlm, "--examples", file("rows.jsonl")},
            {"linformer-eval", "task", "--checkpoint", classifier, "--input", file("rows.csv")},
            {"linformer-eval", "task", "--checkpoint", classifier, "--input", file("rows.csv"),
             "--json", "--predictions", file("predictions.tsv")},
            {"linformer-predict", "classify", "--checkpoint", classifier, "--text", "a river"},
            {"linformer-predict", "fill-mask", "--checkpoint", mlm, "--text", "a <mask> river"},
            {"linformer-predict", "features", "--checkpoint", mlm, "--input", file("rows.jsonl"),
             "--output", output},
            {"linformer-predict", "features", "--checkpoint", classifier, "--input",
             file("rows.jsonl"), "--output", output}};
  }

  void SetUp() override {
    write_file_atomically(file("held-out.txt"), "The river runs by the old house.\n");
    write_file_atomically(file("rows.csv"), "text,label\na river,0\na stone,1\n");
    write_file_atomically(file("rows.jsonl"),
                          "{\"input_ids\": [0, 9, 11, 12, 2], \"labels\": "
                          "[-100, 10, -100, -100, -100]}\n");
  }

  void expect_refusals(const std::string& name, const std::string& message) const {
    for (const std::vector<std::string>& command : commands(name)) {
      const ProgramResult result = run_child(command);
      const std::string what = command[0] + " " + command[1] + ": " + result.err;
      EXPECT_EQ(result.exit_code, 1) << what;
      EXPECT_THAT(result.err, AllOf(HasSubstr(message), HasSubstr("\n  fix: "))) << what;
      EXPECT_EQ(result.out, "") << what;
    }
    EXPECT_FALSE(std::filesystem::exists(file("features.safetensors")));
    EXPECT_FALSE(std::filesystem::exists(file("predictions.tsv")));
  }
};

TEST_F(FiniteTest, SoundModelsAnswer) {
  make_models("sound", "roberta.encoder.layer.1.output.dense.bias", 0.5);
  for (const std::vector<std::string>& command : commands("sound")) {
    const ProgramResult result = run_child(command);
    EXPECT_EQ(result.exit_code, 0) << command[1] << ": " << result.err;
  }
}

TEST_F(FiniteTest, WeightsThatAreNoNumbersAreRefusedByName) {
  const std::string weight = "roberta.encoder.layer.1.output.dense.weight";
  for (const double value : {std::nan(""), HUGE_VAL}) {
    make_models("broken", weight, value);
    expect_refusals("broken", weight + " holds values that are not finite");
  }
}

// What a conversion wrote would be believed: by transformers too, which says nothing.
TEST_F(FiniteTest, NoConversionTakesWeightsThatAreNoNumbers) {
  const std::string weight = "roberta.encoder.layer.1.output.dense.weight";
  make_models("sound", weight, 0.5);
  const std::string output = file("converted");
  const auto commands = [&](const std::string& model) {
    std::vector<std::vector<std::string>> all{{"import", "--from", "hf"},
                                              {"export", "--to", "hf"},
                                              {"extend", "--max-sequence-length", "64"}};
    for (std::vector<std::string>& command : all) {
      command.insert(command.end(), {"--output", output, "--input", model});
    }
    all.push_back({"average", "--output", output, "--input", file("sound-mlm"), model});
    for (std::vector<std::string>& command : all)
      command.insert(command.begin(), "linformer-convert");
    return all;
  };
  for (const std::vector<std::string>& command : commands(file("sound-mlm"))) {
    const ProgramResult result = run_child(command);
    EXPECT_EQ(result.exit_code, 0) << command[1] << ": " << result.err;
    std::filesystem::remove_all(output);
  }
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    make_models("broken", weight, value);
    for (const std::vector<std::string>& command : commands(file("broken-mlm"))) {
      const ProgramResult result = run_child(command);
      EXPECT_EQ(result.exit_code, 1) << command[1];
      EXPECT_THAT(result.err, HasSubstr(weight + " holds values that are not finite"))
          << command[1];
      EXPECT_FALSE(std::filesystem::exists(output)) << command[1];
    }
  }
}

TEST_F(FiniteTest, OutputsThatAreNoNumbersAreRefused) {
  make_models("huge", "roberta.encoder.layer.1.output.dense.weight", 3e38);
  expect_refusals("huge", "not finite numbers");
}

}  // namespace
}  // namespace linformer
