// linformer-convert and linformer-predict features, run as programs on the reference models.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "cli/transformers_python.h"
#include "core/temporary_folder.h"

#include "linformer/config/attention_kinds.h"
#include "linformer/core/atomic_file.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(result.out, HasSubstr("added 1 tensor with 64 numbers, init block_average: "
                                    "roberta.encoder.E (4, 16)"));
  EXPECT_THAT(result.out, HasSubstr("wrote " + path("linformer")));
}

TEST_F(ConvertProgramTest, AProjectionWithItsOwnStartTakesNoInit) {
  const std::vector<std::string> strided{"--set", "projection=strided", "sharing=none",
                                         "projected_length=4"};
  const auto with = [&](std::vector<std::string> arguments, const std::string& more = "") {
    arguments.insert(arguments.end(), strided.begin(), strided.end());
    if (!more.empty()) arguments.push_back(more);
    return run(arguments);
  };
  const std::vector<std::string> make{"linformerise", "--input", path("roberta"), "--output",
                                      path("strided")};
  EXPECT_THAT(with(make, "init=block_average").err, HasSubstr("strided starts as exact positions"));
  const ProgramResult result = with(make);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("as projection strided starts: "));
  // What cannot be done is not offered as a way out.
  const auto extend = [&](const std::string& length, const std::string& method) {
    return run({"extend", "--input", path("strided"), "--output", path("longer"),
                "--max-sequence-length", length, "--method", method});
  };
  EXPECT_THAT(extend("32", "interpolate").err, HasSubstr("use --method tile"));
  EXPECT_THAT(extend("20", "tile").err,
              AllOf(HasSubstr("give e.g. 32"), Not(HasSubstr("interpolate"))));
  EXPECT_EQ(extend("32", "tile").exit_code, 0);
}

TEST_F(ConvertProgramTest, WrongInputIsRefusedWithExitCodeAndFix) {
  const auto expect_refusal = [](const ProgramResult& result, int code, const std::string& text) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  expect_refusal(run({}), 2, "a command is needed: import, ");
  expect_refusal(run({"import", "--input", "a", "--output", "b"}), 2, "--from");
  expect_refusal(run({"import", "--from", "hf", "--input", path("none"), "--output", path("b")}), 2,
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
                 2, "not more than the model's n = 16");
  expect_refusal(run({"export", "--input", path("roberta"), "--output", path("roberta")}), 2,
                 "is there already");
  EXPECT_FALSE(std::filesystem::exists(path("b")));
  write_file_atomically(path("bad.jsonl"), "{\"input_ids\": [0, 120]}\n");
  expect_refusal(features("roberta", "bad.jsonl"), 1, "bad.jsonl:1: input_ids[1] is 120");
  EXPECT_FALSE(std::filesystem::exists(path("roberta.safetensors")));
}

// Independent implementations agree to 1e-5: transformers' own RoBERTa, and for Linformers the
// module of tools/hf, which shares no code with ours.
TEST_F(ConvertProgramTest, TransformersComputesTheSame) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  std::vector<std::vector<std::string>> variants{
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
  for (const std::string_view name : EnumNames<ProjectionType>::kNames) {
    for (const char* order : {"order=features_first", "order=sequence_first"}) {
      variants.push_back(
          {"projected_length=4", "projection=" + std::string(name), "sharing=none", order});
    }
  }
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

// The names of the weights, config.json and every bit survive what users of transformers do.
TEST_F(ConvertProgramTest, WhatTransformersSavesIsTheSameModel) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  write_file_atomically(path("save.py"), R"(
import sys
from transformers import AutoModelForMaskedLM
for folder in sys.argv[1:]:
    model = AutoModelForMaskedLM.from_pretrained(folder, trust_remote_code=True)
    model.save_pretrained(folder + "-saved")
)");
  const std::vector<std::vector<std::string>> variants{
      {"projected_length=4"},
      {"projected_length=[[2, 4, 8, 4], 16]", "sharing=none", "value_convolution=3"},
      {"type=[local_window, linformer]", "projected_length=4", "sharing=layerwise"}};
  std::string command = "HF_HUB_OFFLINE=1 " + python + " '" + path("save.py") + "'";
  for (size_t i = 0; i < variants.size(); ++i) {
    const std::string name = "saved-" + std::to_string(i);
    std::vector<std::string> arguments{"linformerise", "--input", path("roberta"), "--output",
                                       path(name)};
    for (const std::string& setting : variants[i]) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    convert(arguments);
    convert({"export", "--input", path(name), "--output", path(name + "-hf")});
    command += " '" + path(name + "-hf") + "'";
  }
  const std::string log = path("saving.txt");
  const int status = std::system((command + " > '" + log + "' 2>&1").c_str());
  ASSERT_EQ(status, 0) << read_text_file(log);
  for (size_t i = 0; i < variants.size(); ++i) {
    const std::string name = "saved-" + std::to_string(i);
    const std::string back = name + "-back";
    convert(
        {"import", "--from", "hf", "--input", path(name + "-hf-saved"), "--output", path(back)});
    ASSERT_EQ(features(name).exit_code, 0);
    ASSERT_EQ(features(back).exit_code, 0);
    EXPECT_EQ(read_text_file(path(back + ".safetensors")),
              read_text_file(path(name + ".safetensors")))
        << name;
  }
}

/// A byte-level BPE of 120 pieces, as many as the reference model has: a blank, the other ASCII
/// characters, twenty merges.
ByteBpe ascii_byte_bpe() {
  const std::string blank = "\xC4\xA0";
  ByteBpe bpe;
  bpe.vocabulary = {"<s>", "<pad>", "</s>", "<unk>", blank};
  for (char c = '!'; c <= '~'; ++c) bpe.vocabulary.emplace_back(1, c);
  bpe.merges = {{blank, "t"}, {"h", "e"}, {blank + "t", "he"}, {"i", "n"}, {"e", "r"},
                {blank, "a"}, {"o", "n"}, {"r", "e"},          {"a", "t"}, {"o", "r"},
                {"e", "n"},   {"i", "s"}, {"a", "n"},          {"e", "s"}, {"i", "t"},
                {"in", "g"},  {"e", "d"}, {blank, "is"},       {"b", "l"}, {"u", "e"}};
  for (const auto& [left, right] : bpe.merges) bpe.vocabulary.push_back(left + right);
  bpe.vocabulary.push_back("<mask>");
  return bpe;
}

/// The reference RoBERTa with RoBERTa's kind of tokenizer beside it, as transformers leaves it.
class ByteBpeConversionTest : public ConvertProgramTest {
 protected:
  void SetUp() override {
    ConvertProgramTest::SetUp();
    if (IsSkipped()) return;
    std::filesystem::create_directory(path("hf"));
    for (const char* name : {"config.json", "model.safetensors"}) {
      std::filesystem::copy_file(kFixtures + "hf-roberta-masked-lm/" + name,
                                 path("hf") + "/" + name);
    }
    write_file_atomically(path("hf/vocab.json"), to_vocab_json(ascii_byte_bpe()));
    write_file_atomically(path("hf/merges.txt"), to_merges_txt(ascii_byte_bpe()));
  }

  void import(const std::string& output) const {
    convert({"import", "--from", "hf", "--input", path("hf"), "--output", path(output)});
  }
};

TEST_F(ByteBpeConversionTest, TextsReachTheModelWithTheIdsOfTheTokenizer) {
  import("texts");
  EXPECT_EQ(read_text_file(path("texts/tokenizer.model")), to_model_bytes(ascii_byte_bpe()));
  // "it", " is", " the"; in " blue" nothing takes the blank: " ", "bl", "ue".
  const std::vector<std::string> pieces = ascii_byte_bpe().vocabulary;
  ASSERT_EQ(pieces.size(), 120U);
  const auto id_of = [&](const std::string& piece) {
    return std::to_string(std::find(pieces.begin(), pieces.end(), piece) - pieces.begin());
  };
  const std::string ids = "[0, " + id_of("it") + ", " + id_of("\xC4\xA0is") + ", " +
                          id_of("\xC4\xA0the") + ", " + id_of("\xC4\xA0") + ", " + id_of("bl") +
                          ", " + id_of("ue") + ", 2]";
  write_file_atomically(path("by-text.jsonl"), "{\"text\": \"it is the blue\"}\n");
  write_file_atomically(path("by-id.jsonl"), "{\"input_ids\": " + ids + "}\n");
  ASSERT_EQ(features("texts", "by-text.jsonl").exit_code, 0);
  const std::string by_text = read_text_file(path("texts.safetensors"));
  std::filesystem::remove(path("texts.safetensors"));
  ASSERT_EQ(features("texts", "by-id.jsonl").exit_code, 0);
  EXPECT_EQ(read_text_file(path("texts.safetensors")), by_text);
  const ProgramResult filled = run_child({"linformer-predict", "fill-mask", "--checkpoint",
                                          path("texts"), "--text", "it is <mask> blue", "--json"});
  ASSERT_EQ(filled.exit_code, 0) << filled.err;
  // <s>, "it", " is": the mask is the fourth.
  EXPECT_THAT(filled.out, HasSubstr("\"position\":3"));
}

TEST_F(ByteBpeConversionTest, ExportLeavesTheFilesOfTransformers) {
  import("ours");
  // A checkpoint has tokenizer.model alone.
  std::filesystem::create_directory(path("checkpoint"));
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.model"}) {
    std::filesystem::copy(path("ours") + "/" + name, path("checkpoint") + "/" + name);
  }
  convert({"export", "--input", path("checkpoint"), "--output", path("theirs")});
  EXPECT_EQ(read_text_file(path("theirs/vocab.json")), read_text_file(path("hf/vocab.json")));
  EXPECT_EQ(read_text_file(path("theirs/merges.txt")), read_text_file(path("hf/merges.txt")));
  EXPECT_FALSE(std::filesystem::exists(path("theirs/tokenizer.model")));
  // Exported files are imported to the same tokenizer.
  convert({"import", "--from", "hf", "--input", path("theirs"), "--output", path("back")});
  EXPECT_EQ(read_text_file(path("back/tokenizer.model")), to_model_bytes(ascii_byte_bpe()));
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  write_file_atomically(path("encode.py"), R"(
import sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
pieces = tokenizer.convert_ids_to_tokens(tokenizer("it is <mask> blue")["input_ids"])
assert pieces == ["<s>", "it", "\u0120is", "<mask>", "\u0120", "bl", "ue", "</s>"], pieces
tokenizer.save_pretrained(sys.argv[2])
)");
  std::filesystem::create_directory(path("saved"));
  const std::string log = path("python.txt");
  const std::string command = "HF_HUB_OFFLINE=1 " + python + " '" + path("encode.py") + "' '" +
                              path("theirs") + "' '" + path("saved") + "' > '" + log + "' 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << read_text_file(log);
  // And back from what transformers saves: tokenizer.json, in newer versions alone.
  std::filesystem::remove(path("hf/vocab.json"));
  std::filesystem::remove(path("hf/merges.txt"));
  for (const auto& file : std::filesystem::directory_iterator(path("saved"))) {
    std::filesystem::copy(file.path(), path("hf"));
  }
  import("again");
  EXPECT_EQ(read_text_file(path("again/tokenizer.model")), to_model_bytes(ascii_byte_bpe()));
}

TEST_F(ByteBpeConversionTest, ATokenizerThatDoesNotFitIsRefused) {
  ByteBpe bpe = ascii_byte_bpe();
  bpe.vocabulary.insert(bpe.vocabulary.end() - 1, "\xC4\xA0\xC4\xA0");
  write_file_atomically(path("hf/vocab.json"), to_vocab_json(bpe));
  const ProgramResult result =
      run({"import", "--from", "hf", "--input", path("hf"), "--output", path("refused")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("121 pieces, the model beside it has 120"));
  EXPECT_FALSE(std::filesystem::exists(path("refused")));
  // Without the tokenizer, the model is imported for input_ids.
  std::filesystem::remove(path("hf/vocab.json"));
  const ProgramResult bare =
      run({"import", "--from", "hf", "--input", path("hf"), "--output", path("bare")});
  EXPECT_EQ(bare.exit_code, 0) << bare.err;
  EXPECT_THAT(bare.out, HasSubstr("the model takes input_ids"));
  EXPECT_FALSE(std::filesystem::exists(path("bare/tokenizer.model")));
}

}  // namespace
}  // namespace linformer
