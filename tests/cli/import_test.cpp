// linformer-convert import for models of other programs, and its messages when it refuses them.
#include <algorithm>
#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/child_process.h"
#include "core/temporary_folder.h"
#include "torch_test_support.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/tensor_files.h"
#include "linformer/core/atomic_file.h"
#include "linformer/models/model_folder.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::relative_difference;
using Tensors = std::map<std::string, at::Tensor>;

const std::string kFixtures = LINFORMER_SHARED_DIR "/fixtures/";
constexpr const char* kWords = "roberta.embeddings.word_embeddings.weight";

class ImportProgramTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }

  static ProgramResult import(const std::string& input, const std::string& output,
                              const std::string& format = "hf") {
    return run_child(
        {"linformer-convert", "import", "--from", format, "--input", input, "--output", output});
  }

  /// What linformer-predict features gives of `rows` (JSON lines).
  Tensors features(const std::string& model, const std::string& rows) const {
    write_file_atomically(path("rows.jsonl"), rows);
    const std::string output = model + ".features.safetensors";
    const ProgramResult result = run_child({"linformer-predict", "features", "--checkpoint", model,
                                            "--input", path("rows.jsonl"), "--output", output});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? load_tensors(output) : Tensors();
  }

  TemporaryFolder folder_;
};

class ImportedFixture : public ImportProgramTest,
                        public ::testing::WithParamInterface<const char*> {};

std::string rows_of(const Tensors& inputs) {
  const at::Tensor& ids = inputs.at("input_ids");
  const at::Tensor mask = inputs.count("attention_mask") ? inputs.at("attention_mask").to(at::kLong)
                                                         : at::ones_like(ids);
  const auto list = [](const at::Tensor& row) {
    const at::Tensor values = row.contiguous();
    return json(std::vector<int64_t>(values.data_ptr<int64_t>(),
                                     values.data_ptr<int64_t>() + values.numel()));
  };
  std::string rows;
  for (int64_t i = 0; i < ids.size(0); ++i) {
    const json row{{"input_ids", list(ids[i])}, {"attention_mask", list(mask[i])}};
    rows += row.dump() + "\n";
  }
  return rows;
}

// Not the library's import alone, which every other test of the fixtures takes.
TEST_P(ImportedFixture, GivesTheOutputsOfItsOwnProgram) {
  const std::string fixture = kFixtures + GetParam();
  if (!std::filesystem::exists(fixture)) GTEST_SKIP() << fixture << " is not there";
  const bool fairseq = std::string(GetParam()).starts_with("fairseq");
  const ProgramResult result = import(fixture, path("model"), fairseq ? "fairseq" : "hf");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Tensors inputs = load_tensors(fixture + "/inputs.safetensors");
  const Tensors expected = load_tensors(fixture + "/outputs.safetensors");
  const Tensors ours = features(path("model"), rows_of(inputs));
  ASSERT_FALSE(ours.empty());
  const at::Tensor mask = ours.at("attention_mask").to(at::kBool);
  const auto compare = [&](const std::string& name, const std::string& theirs) {
    at::Tensor a = ours.at(name);
    at::Tensor b = expected.at(theirs);
    if (a.dim() == 3) {  // padded positions are the other program's own matter
      a = a.index({mask});
      b = b.index({mask});
    }
    EXPECT_LT(relative_difference(a, b), 1e-5) << name;
  };
  compare("logits", "logits");
  for (const auto& [name, tensor] : expected) {
    if (name.starts_with("hidden_states.")) compare(name, name);
  }
  const int64_t last = json::parse(read_text_file(path("model/config.json")))["num_hidden_layers"];
  if (expected.count("features")) compare("hidden_states." + std::to_string(last), "features");
}

INSTANTIATE_TEST_SUITE_P(OtherPrograms, ImportedFixture,
                         ::testing::Values("fairseq-linformer-headwise",
                                           "fairseq-linformer-key-value",
                                           "fairseq-linformer-layerwise",
                                           "fairseq-linformer-short-input", "fairseq-roberta",
                                           "hf-roberta-classification", "hf-roberta-masked-lm",
                                           "hf-roberta-regression"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// A new fixture is tried above, or this fails.
TEST_F(ImportProgramTest, EveryFixtureIsTried) {
  if (!std::filesystem::exists(kFixtures)) GTEST_SKIP() << kFixtures << " is not there";
  int folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures)) {
    folders += entry.is_directory();
  }
  EXPECT_EQ(folders, 8);
}

/// A byte-level BPE of `pieces` letters and the five special tokens.
std::string letters(size_t pieces) {
  ByteBpe bpe;
  bpe.vocabulary = {"<s>", "<pad>", "</s>", "<unk>"};
  for (size_t i = 0; i < pieces; ++i) bpe.vocabulary.emplace_back(1, static_cast<char>('a' + i));
  bpe.vocabulary.emplace_back("<mask>");
  return to_model_bytes(bpe);
}

constexpr const char* kRows = "{\"input_ids\": [0, 5, 7, 9, 2]}\n{\"input_ids\": [0, 8, 4, 2]}\n";

/// A RoBERTa as transformers writes it, in variants of its names.
class ImportVariants : public ImportProgramTest {
 protected:
  void SetUp() override { make_model("plain", {}, letters(6)); }

  void make_model(const std::string& name, const HeadConfig& head,
                  const std::string& tokenizer) const {
    ModelConfig config;
    config.vocab_size = 11;
    config.hidden_size = 8;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 16;
    config.max_sequence_length = 16;
    config.type_vocab_size = 1;
    config.initializer_range = 0.5;
    config.attention.type = AttentionType::kStandard;
    make_directories(path(name));
    save_model_files(path(name), to_config_json(config, head),
                     saved_tensors(Model(config, head, 3)), tokenizer);
    // transformers does not write this key.
    change_config(name, [](json& written) { written.erase("mask_token_id"); });
  }

  template <class Change>
  void change_config(const std::string& name, Change&& change) const {
    json config = json::parse(read_text_file(path(name + "/config.json")));
    change(config);
    write_file_atomically(path(name + "/config.json"), config.dump());
  }

  Tensors tensors(const std::string& name) const {
    return load_tensors(path(name + "/model.safetensors"));
  }
  void write(const std::string& name, const Tensors& all) const {
    save_tensors(path(name + "/model.safetensors"), NamedTensors(all.begin(), all.end()));
  }

  /// A copy of `from` called `name`, its tensors changed.
  template <class Change>
  void make_variant(const std::string& from, const std::string& name, Change&& change) const {
    make_directories(path(name));
    for (const char* file : {"config.json", "tokenizer.model"}) {
      std::filesystem::copy_file(path(from) + "/" + file, path(name) + "/" + file);
    }
    Tensors all = tensors(from);
    change(all);
    write(name, all);
  }

  /// Imports a variant, and expects the features of "plain".
  ProgramResult expect_same(const std::string& name, const std::string& reference = "plain",
                            bool logits = true) const {
    const ProgramResult result = import(path(name), path(name + "-imported"));
    EXPECT_EQ(result.exit_code, 0) << name << ": " << result.err;
    if (result.exit_code != 0) return result;
    const Tensors expected = features(path(reference), kRows);
    const Tensors found = features(path(name + "-imported"), kRows);
    for (const auto& [key, tensor] : expected) {
      if (key == "logits" && !logits) continue;
      EXPECT_TRUE(at::equal(found.at(key), tensor)) << name << ": " << key;
    }
    return result;
  }

  void expect_refusal(const ProgramResult& result, const std::vector<std::string>& texts,
                      int exit_code = 1) const {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& text : texts) EXPECT_THAT(result.err, HasSubstr(text));
  }
};

void rename(Tensors& all, const std::string& from, const std::string& to) {
  all[to] = all.at(from);
  all.erase(from);
}

TEST_F(ImportVariants, TiedWeightsUnderTheDecodersName) {
  make_variant("plain", "decoder", [](Tensors& all) {
    rename(all, kWords, "lm_head.decoder.weight");
    rename(all, "lm_head.bias", "lm_head.decoder.bias");
  });
  expect_same("decoder");
}

TEST_F(ImportVariants, NormsWithGammaAndBeta) {
  make_variant("plain", "gamma", [](Tensors& all) {
    const Tensors before = all;
    for (const auto& [name, tensor] : before) {
      const bool norm =
          name.find("LayerNorm.") != name.npos || name.find("layer_norm.") != name.npos;
      if (norm && name.ends_with(".weight")) {
        rename(all, name, name.substr(0, name.size() - 6) + "gamma");
      } else if (norm) {
        rename(all, name, name.substr(0, name.size() - 4) + "beta");
      }
    }
  });
  expect_same("gamma");
}

TEST_F(ImportVariants, AModelWithoutPrefixAndHead) {
  make_variant("plain", "headless", [](Tensors& all) {
    const Tensors before = all;
    for (const auto& [name, tensor] : before) {
      if (name.starts_with("lm_head.")) all.erase(name);
      if (name.starts_with("roberta.")) rename(all, name, name.substr(8));
    }
    all["pooler.dense.weight"] = at::ones({8, 8});
    all["pooler.dense.bias"] = at::ones({8});
    all["embeddings.position_ids"] = at::arange(18).unsqueeze(0);
  });
  change_config("headless", [](json& config) { config["architectures"] = {"RobertaModel"}; });
  const ProgramResult result = expect_same("headless", "plain", /*logits=*/false);
  EXPECT_THAT(result.out, HasSubstr("lm_head starts with random weights"));
  EXPECT_THAT(result.out, HasSubstr("left out pooler.dense.weight"));
  // A config.json that promises the head is another matter.
  change_config("headless", [](json& config) { config["architectures"] = {"RobertaForMaskedLM"}; });
  expect_refusal(import(path("headless"), path("no")),
                 {"missing in the file: lm_head.dense.weight"});
}

TEST_F(ImportVariants, AVocabularyFilledUpToARoundNumber) {
  const auto fill_up = [](Tensors& all) {
    for (const char* name : {kWords, "lm_head.bias"}) {
      at::Tensor& tensor = all.at(name);
      std::vector<int64_t> shape = tensor.sizes().vec();
      shape[0] = 16 - shape[0];
      tensor = at::cat({tensor, at::full(shape, 3.0)});
    }
  };
  make_variant("plain", "padded", fill_up);
  change_config("padded", [](json& config) { config["vocab_size"] = 16; });
  const ProgramResult result = expect_same("padded");
  EXPECT_THAT(result.out,
              HasSubstr("left out the last 5 of 16 rows of the vocabulary, behind <mask>"));
  // Without a tokenizer, config.json may say where <mask> is.
  std::filesystem::remove(path("padded/tokenizer.model"));
  change_config("padded", [](json& config) { config["mask_token_id"] = 10; });
  const ProgramResult by_key = import(path("padded"), path("by-key"));
  ASSERT_EQ(by_key.exit_code, 0) << by_key.err;
  EXPECT_EQ(json::parse(read_text_file(path("by-key/config.json")))["vocab_size"], 11);
  // A mask in the first half is no sign of padding.
  change_config("padded", [](json& config) { config["mask_token_id"] = 4; });
  expect_refusal(
      import(path("padded"), path("no")),
      {"mask_token_id is 4, and <mask> is the last id here, 15", "move the row of <mask>"});
  expect_refusal(run_child({"linformer-predict", "features", "--checkpoint", path("padded"),
                            "--input", path("rows.jsonl"), "--output", path("no")}),
                 {"mask_token_id is 4"});
}

TEST_F(ImportVariants, LabelsWithDefaultNames) {
  HeadConfig head;
  head.type = HeadType::kClassification;
  head.labels = {"LABEL_0", "LABEL_1"};
  make_model("two", head, letters(6));
  make_variant("two", "two-bare", [](Tensors&) {});
  change_config("two-bare", [](json& config) {
    for (const char* key : {"id2label", "label2id", "problem_type"}) config.erase(key);
  });
  expect_same("two-bare", "two");
  const json written = json::parse(read_text_file(path("two-bare-imported/config.json")));
  EXPECT_EQ(written["id2label"], (json{{"0", "LABEL_0"}, {"1", "LABEL_1"}}));
  // Three outputs need three names, or their number.
  head.labels = {"LABEL_0", "LABEL_1", "LABEL_2"};
  make_model("three", head, letters(6));
  make_variant("three", "three-bare", [](Tensors&) {});
  change_config("three-bare", [](json& config) {
    config.erase("id2label");
    config.erase("label2id");
  });
  expect_refusal(import(path("three-bare"), path("no")),
                 {"classifier.out_proj.weight (3, 8) in the file, (2, 8) in the model"});
  change_config("three-bare", [](json& config) { config["num_labels"] = 3; });
  expect_same("three-bare", "three");
}

TEST_F(ImportVariants, LabelsThatAreNumbers) {
  HeadConfig head;
  head.type = HeadType::kClassification;
  head.labels = {"a", "b"};
  make_model("numbers", head, letters(6));
  change_config("numbers", [](json& config) { config["id2label"] = {{"0", 0}, {"1", 1}}; });
  const ProgramResult result = import(path("numbers"), path("numbers-imported"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json written = json::parse(read_text_file(path("numbers-imported/config.json")));
  EXPECT_EQ(written["id2label"], (json{{"0", "0"}, {"1", "1"}}));
  change_config("numbers", [](json& config) { config["id2label"] = {{"0", "a"}, {"1", true}}; });
  expect_refusal(import(path("numbers"), path("no")),
                 {"id2label names label \"1\" true, not a text", "in double quotes"});
  change_config("numbers", [](json& config) { config["id2label"] = {{"1", "a"}, {"2", "b"}}; });
  expect_refusal(import(path("numbers"), path("no")),
                 {"id2label has no label \"0\"", "from 0 without a gap"});
}

TEST_F(ImportVariants, OtherHeadsAreRefusedByName) {
  change_config("plain",
                [](json& config) { config["architectures"] = {"RobertaForTokenClassification"}; });
  expect_refusal(import(path("plain"), path("no")),
                 {"the head of RobertaForTokenClassification is not here"});
}

TEST_F(ImportVariants, PicklesAreNeverOpened) {
  for (const char* name : {"pytorch_model.bin", "model.pt"}) {
    std::filesystem::remove(path("plain/model.safetensors"));
    write_file_atomically(path("plain/") + name, "not even a pickle");
    expect_refusal(import(path("plain"), path("no")),
                   {std::string("holds its weights in ") + name + ", a pickle", "never is",
                    std::string("torch.load('") + name + "'", "model.safetensors"});
    // The file itself, and the program that predicts.
    expect_refusal(import(path("plain/") + name, path("no")), {"is a pickle", "never is"});
    expect_refusal(run_child({"linformer-predict", "features", "--checkpoint", path("plain"),
                              "--input", path("rows.jsonl"), "--output", path("no")}),
                   {"a pickle", "never is"});
    std::filesystem::remove(path("plain/") + name);
  }
}

size_t count_of(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(ImportVariants, WhatIsWrongInConfigJsonIsSaidOnceWithItsOwnFix) {
  struct Case {
    json changes;
    std::string message;
    std::string fix;
  };
  const std::vector<Case> cases{
      {{{"num_attention_heads", 3}},
       "num_attention_heads: 3 heads do not divide hidden_size 8",
       "choose a divisor"},
      {{{"hidden_size", "wide"}}, "hidden_size takes ", "give hidden_size as "},
      {{{"hidden_size", "8"}}, "hidden_size takes ", "remove the quotes"},
      {{{"intermediate_size", 0}}, "intermediate_size: ", ""},
      {{{"attention", {{"type", "other"}}}}, "attention.type takes ", "give attention.type as "},
      {{{"type_vocab_size", 100000}}, "type_vocab_size: 100000", "1024"},
      {{{"type_vocab_size", 100000}, {"segment_embeddings", false}},
       "type_vocab_size 100000 is not supported",
       "only 1 is"},
      {{{"mask_token_id", 18446744073709551615U}},
       "mask_token_id 18446744073709551615 is not an id",
       ""},
      {{{"mask_token_id", 3}},
       "mask_token_id is 3, and <mask> is the last id here, 10",
       "removes rows after <mask> only if"},
      {{{"max_position_embeddings", 18446744073709551615U}},
       "max_position_embeddings 18446744073709551615 is not a number of positions",
       ""}};
  make_variant("plain", "wrong", [](Tensors&) {});
  const std::string whole = read_text_file(path("wrong/config.json"));
  for (const auto& [changes, message, fix] : cases) {
    change_config("wrong", [&](json& config) { config.update(changes); });
    const ProgramResult result = import(path("wrong"), path("no"));
    expect_refusal(result, {path("wrong/config.json") + ": " + message, "\n  fix: ", fix});
    const std::string error = result.err.substr(result.err.find("error: "));  // behind the log
    EXPECT_EQ(count_of(path("wrong"), error), 1U) << error;
    EXPECT_EQ(count_of("fix: ", error), 1U) << error;
    write_file_atomically(path("wrong/config.json"), whole);
  }
}

TEST_F(ImportVariants, WhatIsSaidOfTokenizersIsSo) {
  make_variant("plain", "other", [](Tensors&) {});
  std::filesystem::remove(path("other/tokenizer.model"));
  const auto note = [&](const std::string& output) {
    const ProgramResult result = import(path("other"), path(output));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  EXPECT_THAT(note("none"),
              HasSubstr("there is no tokenizer.model (SentencePiece) in " + path("other") +
                        ", nor RoBERTa's vocab.json and merges.txt "
                        "or tokenizer.json: the model takes"));
  write_file_atomically(path("other/tokenizer.json"), R"({"model": {"type": "Unigram"}})");
  EXPECT_THAT(note("unigram"), HasSubstr("tokenizer.json in " + path("other") +
                                         " is not a byte-level BPE like RoBERTa's, and there is "
                                         "no tokenizer.model (SentencePiece): the model takes"));
  // 11 rows are no round number above 9 pieces.
  write_file_atomically(path("other/tokenizer.model"), letters(4));
  expect_refusal(import(path("other"), path("no")),
                 {"9 pieces, the model beside it has 11",
                  "removes rows only if they fill the vocabulary up to a multiple of 8, 16, ... "
                  "or 1024"});
}

TEST_F(ImportVariants, NamesOfTheHubAreNotDownloaded) {
  for (const char* name : {"roberta-base", "FacebookAI/roberta-base"}) {
    const std::vector<std::string> texts{
        "there is no such folder, and nothing is downloaded here",
        std::string("hf download ") + name + " --local-dir roberta-base"};
    expect_refusal(import(name, path("no")), texts, 2);
    expect_refusal(
        run_child({"linformer-predict", "fill-mask", "--checkpoint", name, "--text", "a"}), texts,
        2);
  }
  const ProgramResult local = import(path("none"), path("no"));
  EXPECT_THAT(local.err, HasSubstr("there is no such folder"));
  EXPECT_THAT(local.err, ::testing::Not(HasSubstr("download")));
}

TEST_F(ImportVariants, DescriptionsOfFairseqAreNamedAsSuch) {
  change_config("plain", [](json& config) { config["model_type"] = "fairseq-roberta"; });
  expect_refusal(import(path("plain"), path("no")), {"import it with --from fairseq"});
}

}  // namespace
}  // namespace linformer
