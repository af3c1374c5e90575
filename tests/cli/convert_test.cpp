// linformer-convert and linformer-predict features, run as programs on the reference models.
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

const std::string kFixtures = LINFORMER_SHARED_DIR "/fixtures/";

/// Rows of three lengths, one with padding on both sides.
constexpr const char* kRows =
    "{\"input_ids\": [0, 5, 7, 9, 11, 2]}\n"
    "{\"input_ids\": [0, 15, 17, 19, 111, 20, 33, 44, 55, 66, 2]}\n"
    "{\"input_ids\": [1, 1, 0, 15, 17, 2, 1], \"attention_mask\": [0, 0, 1, 1, 1, 1, 0]}\n";

class ConvertProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFixtures)) GTEST_SKIP() << kFixtures << " is not there";
    write_file_atomically(path("rows.jsonl"), kRows);
    convert({"import", "--from", "hf", "--input", kFixtures + "hf-roberta-masked-lm", "--output",
             path("roberta")});
  }

  std::string path(const std::string& name) const { return folder_.file(name); }

  void convert(const std::vector<std::string>& arguments) const {
    const ProgramResult result = run(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  static ProgramResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "linformer-convert");
    return run_child(arguments);
  }

  ProgramResult features(const std::string& model, const std::string& rows = "rows.jsonl") const {
    return run_child({"linformer-predict", "features", "--checkpoint", path(model), "--input",
                      path(rows), "--output", path(model + ".safetensors")});
  }

  TemporaryFolder folder_;
};

TEST_F(ConvertProgramTest, SaysWhatItDid) {
  const ProgramResult result =
      run({"linformerise", "--input", path("roberta"), "--output", path("linformer"), "--set",
           "projected_length=4", "--set", "attention.sharing=layerwise"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("kept 42 tensors as they were"));
  EXPECT_THAT(result.out, HasSubstr("added 1 tensors with 64 numbers, init block_average: "
                                    "roberta.encoder.E (4, 16)"));
  EXPECT_THAT(result.out, HasSubstr("wrote " + path("linformer")));
}

TEST_F(ConvertProgramTest, WrongInputIsRefusedWithExitCodeAndFix) {
  const auto expect_refusal = [](const ProgramResult& result, int code, const std::string& text) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  expect_refusal(run({}), 2, "subcommand");
  expect_refusal(run({"import", "--input", "a", "--output", "b"}), 2, "--from");
  expect_refusal(run({"import", "--from", "hf", "--input", path("none"), "--output", path("b")}), 1,
                 path("none"));
  expect_refusal(run({"import", "--from", "hf", "--input", kFixtures + "fairseq-roberta",
                      "--output", path("b")}),
                 1, "model_type \"fairseq-roberta\"");
  expect_refusal(run({"linformerise", "--input", path("roberta"), "--output", path("b"), "--set",
                      "projected_length=17"}),
                 2, "k = 17 exceeds");
  expect_refusal(run({"linformerise", "--input", path("roberta"), "--output", path("b"), "--set",
                      "shraing=none"}),
                 2, "did you mean sharing?");
  expect_refusal(run({"extend", "--input", path("roberta"), "--output", path("b"),
                      "--max-sequence-length", "16"}),
                 2, "no more than the model's n = 16");
  expect_refusal(run({"export", "--input", path("roberta"), "--output", path("roberta")}), 2,
                 "is there already");
  EXPECT_FALSE(std::filesystem::exists(path("b")));
  write_file_atomically(path("bad.jsonl"), "{\"input_ids\": [0, 120]}\n");
  expect_refusal(features("roberta", "bad.jsonl"), 1, "bad.jsonl:1: input_ids[1] is 120");
  EXPECT_FALSE(std::filesystem::exists(path("roberta.safetensors")));
}

/// Python with transformers, for comparison; "" if there is none. LINFORMER_PYTHON names one.
std::string python_with_transformers() {
  const char* given = std::getenv("LINFORMER_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  const std::string probe = python + " -c 'import torch, transformers, safetensors' 2>/dev/null";
  return std::system(probe.c_str()) == 0 ? python : "";
}

// Independent implementations agree to 1e-5: transformers' own RoBERTa, and for Linformers the
// module of tools/hf, which shares no code with ours.
TEST_F(ConvertProgramTest, TransformersComputesTheSame) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  const std::vector<std::vector<std::string>> variants{
      {},  // the RoBERTa itself
      {"projected_length=4"},
      {"projected_length=4", "sharing=none", "order=sequence_first"},
      {"projected_length=4", "sharing=key_value", "rescale_padding=true"},
      {"projected_length=4", "sharing=none", "rescale_padding=true", "init=jl"},
      {"projected_length=4", "sharing=layerwise", "value_convolution=3"},
      {"projected_length=[[2, 4, 8, 4], 16]", "sharing=none", "value_convolution=3"},
      {"projected_length=[[2, 4, 8, 4], 16]", "sharing=none", "order=sequence_first"},
      {"projected_length=4", "projection=mean_pool"},
      {"projected_length=[4, 8]", "projection=mean_pool", "order=sequence_first"},
      {"projected_length=8", "projection=max_pool"},
      {"projected_length=8", "projection=max_pool", "order=sequence_first"},
      {"projected_length=4", "projection=conv"},
      {"projected_length=4", "projection=conv", "order=sequence_first", "sharing=key_value"},
      {"projected_length=4", "projection=conv", "convolution_mixing=head"},
      {"projected_length=4", "projection=conv", "convolution_mixing=head", "sharing=layerwise",
       "order=sequence_first"},
      {"type=[linformer, standard]", "projected_length=4"},
      {"type=[local_window, linformer]", "projected_length=4", "attention_window=4"}};
  std::string command =
      "HF_HUB_OFFLINE=1 " + python + " '" LINFORMER_SOURCE_DIR "/tools/hf/compare_features.py'";
  for (size_t i = 0; i < variants.size(); ++i) {
    std::string name = "roberta";
    if (!variants[i].empty()) {
      name = "variant-" + std::to_string(i);
      std::vector<std::string> arguments{"linformerise", "--input", path("roberta"), "--output",
                                         path(name)};
      for (const std::string& setting : variants[i]) {
        arguments.insert(arguments.end(), {"--set", setting});
      }
      convert(arguments);
    }
    convert({"export", "--input", path(name), "--output", path(name + "-exported")});
    const ProgramResult result = features(name);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    command += " '" + path(name + "-exported") + "' '" + path(name + ".safetensors") + "'";
  }
  const std::string log = path("comparison.txt");
  const int status = std::system((command + " > '" + log + "' 2>&1").c_str());
  EXPECT_EQ(status, 0) << read_text_file(log);
}

}  // namespace
}  // namespace linformer
