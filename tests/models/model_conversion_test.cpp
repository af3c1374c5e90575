#include "linformer/models/model_conversion.h"

#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "torch_test_support.h"

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/models/model_folder.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::relative_difference;

constexpr const char* kPositions = "roberta.embeddings.position_embeddings.weight";
constexpr const char* kE = "roberta.encoder.layer.0.attention.self.E";

ModelConfig standard() {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 8;
  config.type_vocab_size = 1;
  config.initializer_range = 0.5;
  config.attention.type = AttentionType::kStandard;
  return config;
}

/// A byte-level BPE of as many pieces as standard() has.
std::string tokenizer_bytes() {
  return to_model_bytes(
      {{"<s>", "<pad>", "</s>", "<unk>", "a", "b", "c", "d", "e", "f", "<mask>"}, {}});
}

AttentionConfig linformer_attention() {
  AttentionConfig attention;
  attention.projected_length = 4;
  attention.init = ProjectionInit::kBlockAverage;
  return attention;
}

/// A folder below which models are made, and a RoBERTa in it.
class ModelConversion : public ::testing::Test {
 protected:
  void SetUp() override {
    make_directories(path("roberta"));
    save_model(path("roberta"), Model(standard(), 7), tokenizer_bytes());
  }

  std::string path(const std::string& name) const { return folder_.file(name); }

  at::Tensor output_of(const std::string& name, int64_t length) const {
    const std::unique_ptr<Model> loaded = load_model(path(name));
    const Model& model = *loaded;
    ForwardContext evaluation;
    const at::Tensor ids = at::arange(length, at::kLong).remainder(9).add(2).unsqueeze(0);
    return model.encoder().forward(ids, {}, evaluation).detach();
  }

  std::map<std::string, at::Tensor> tensors(const std::string& name) const {
    return load_tensors(StoredTensors::open_folder(path(name)));
  }

  /// Makes a Linformer called `name` out of the RoBERTa.
  void make_linformer(const std::string& name, const AttentionConfig& attention) const {
    linformerise_model(path("roberta"), path(name), attention, 1);
  }

  TemporaryFolder folder_;
};

void expect_same_bits(const std::map<std::string, at::Tensor>& a,
                      const std::map<std::string, at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_EQ(b.count(name), 1u) << name;
    EXPECT_EQ(tensor.scalar_type(), b.at(name).scalar_type()) << name;
    EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
  }
}

TEST_F(ModelConversion, ExportAndImportKeepEveryBit) {
  for (const bool projects : {false, true}) {
    const std::string name = projects ? "linformer" : "roberta";
    if (projects) make_linformer(name, linformer_attention());
    export_model(path(name), path(name + "-out"));
    import_model(ForeignFormat::kHuggingFace, path(name + "-out"), path(name + "-back"));
    expect_same_bits(tensors(name), tensors(name + "-out"));
    expect_same_bits(tensors(name), tensors(name + "-back"));
    EXPECT_EQ(load_model(path(name + "-back"))->config(), load_model(path(name))->config());
    EXPECT_EQ(read_text_file(path(name + "-back/tokenizer.model")), tokenizer_bytes());
    EXPECT_EQ(std::filesystem::exists(path(name + "-out/modeling_linformer.py")), projects);
  }
}

TEST_F(ModelConversion, HalfPrecisionKeepsItsTypeAndBits) {
  auto halves = tensors("roberta");
  for (auto& [name, tensor] : halves) tensor = tensor.to(at::kBFloat16);
  save_tensors(path("roberta/model.safetensors"), NamedTensors(halves.begin(), halves.end()));
  import_model(ForeignFormat::kHuggingFace, path("roberta"), path("imported"));
  expect_same_bits(tensors("imported"), halves);
  EXPECT_NO_THROW(output_of("imported", 5));  // it computes in fp32
}

TEST_F(ModelConversion, ShardsAreRead) {
  const auto all = tensors("roberta");
  NamedTensors first, second;
  std::string map;
  for (const auto& [name, tensor] : all) {
    (first.size() < 5 ? first : second).emplace_back(name, tensor);
    map += (map.empty() ? "{\"" : ", \"") + name + "\": \"" +
           (second.empty() ? "a.safetensors" : "b.safetensors") + "\"";
  }
  std::filesystem::remove(path("roberta/model.safetensors"));
  save_tensors(path("roberta/a.safetensors"), first);
  save_tensors(path("roberta/b.safetensors"), second);
  write_file_atomically(path("roberta/model.safetensors.index.json"),
                        "{\"weight_map\": " + map + "}}");
  import_model(ForeignFormat::kHuggingFace, path("roberta"), path("imported"));
  expect_same_bits(tensors("imported"), all);
  EXPECT_EQ(output_of("roberta", 5).sizes(), output_of("imported", 5).sizes());
}

TEST_F(ModelConversion, RefusesTensorsThatDoNotFitByNameAndLeavesNothing) {
  const auto refusal = [&](auto&& change) {
    auto changed = tensors("roberta");
    change(changed);
    make_directories(path("broken"));
    write_file_atomically(path("broken/config.json"), read_text_file(path("roberta/config.json")));
    save_tensors(path("broken/model.safetensors"), NamedTensors(changed.begin(), changed.end()));
    return message_of<RunError>(
        [&] { import_model(ForeignFormat::kHuggingFace, path("broken"), path("out")); });
  };
  const std::string name = "roberta.encoder.layer.1.output.dense.weight";
  EXPECT_THAT(refusal([&](auto& t) { t.erase(name); }), HasSubstr("missing in the file: " + name));
  EXPECT_THAT(refusal([&](auto& t) {
                t.at(name) = at::zeros({8, 15});
              }),
              HasSubstr(name + " (8, 15) in the file, (8, 16) in the model"));
  EXPECT_THAT(refusal([&](auto& t) { t["surplus"] = at::zeros({1}); }),
              HasSubstr("unknown to the model: surplus"));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(ModelConversion, RefusesAnOutputThatIsThere) {
  EXPECT_THAT(message_of<UsageError>([&] { export_model(path("roberta"), path("roberta")); }),
              HasSubstr("is there already"));
}

TEST_F(ModelConversion, LinformeriseKeepsTheWeightsAndAddsProjections) {
  const ConversionNotes notes =
      linformerise_model(path("roberta"), path("linformer"), linformer_attention(), 1);
  auto after = tensors("linformer");
  for (const auto& [name, tensor] : tensors("roberta")) {
    EXPECT_TRUE(at::equal(after.at(name), tensor)) << name;
    after.erase(name);
  }
  EXPECT_EQ(after.size(), 4u);  // E and F of two layers
  EXPECT_THAT(notes, Contains(HasSubstr("added 4 tensors with 128 numbers, init block_average")));
  EXPECT_EQ(load_model(path("linformer"))->config().attention, linformer_attention());
}

TEST_F(ModelConversion, LinformeriseWithIdentityIsTheSameModel) {
  AttentionConfig attention = linformer_attention();
  attention.projected_length = 8;
  attention.init = ProjectionInit::kStrided;  // k = n: the identity, and a little noise
  make_linformer("linformer", attention);
  auto exact = tensors("linformer");
  for (auto& [name, tensor] : exact) {
    if (name.ends_with(".E") || name.ends_with(".F")) tensor = at::eye(8);
  }
  std::filesystem::remove(path("linformer/MANIFEST.json"));
  save_tensors(path("linformer/model.safetensors"), NamedTensors(exact.begin(), exact.end()));
  EXPECT_LT(relative_difference(output_of("linformer", 8), output_of("roberta", 8)), 1e-5);
}

TEST_F(ModelConversion, LinformeriseKeepsAConvolutionOfTheValues) {
  ModelConfig config = standard();
  config.attention.value_convolution = 3;
  make_directories(path("convolution"));
  save_model(path("convolution"), Model(config, 7), tokenizer_bytes());
  AttentionConfig attention = linformer_attention();
  linformerise_model(path("convolution"), path("linformer"), attention, 1);
  EXPECT_EQ(load_model(path("linformer"))->config().attention.value_convolution, 3);
  const std::string taps = "roberta.encoder.layer.1.attention.self.value_convolution.weight";
  EXPECT_TRUE(at::equal(tensors("linformer").at(taps), tensors("convolution").at(taps)));
  attention.value_convolution = 5;
  EXPECT_THAT(message_of<UsageError>(
                  [&] { linformerise_model(path("convolution"), path("wider"), attention, 1); }),
              HasSubstr("attention.value_convolution: 5, the model's is 3 wide"));
}

TEST_F(ModelConversion, LinformeriseRefusesALinformer) {
  make_linformer("linformer", linformer_attention());
  EXPECT_THAT(message_of<RunError>([&] {
                linformerise_model(path("linformer"), path("again"), linformer_attention(), 1);
              }),
              HasSubstr("is a Linformer already"));
  AttentionConfig none = linformer_attention();
  none.type = AttentionType::kStandard;
  EXPECT_THAT(
      message_of<UsageError>([&] { linformerise_model(path("roberta"), path("again"), none, 1); }),
      HasSubstr("names no linformer layer"));
}

TEST_F(ModelConversion, TilingKeepsTheOutputOfShortInputs) {
  for (const auto sharing : {SharingMode::kNone, SharingMode::kHeadwise, SharingMode::kLayerwise}) {
    AttentionConfig attention = linformer_attention();
    attention.sharing = sharing;
    const std::string name = "linformer-" + std::string(name_of(sharing));
    make_linformer(name, attention);
    extend_model(path(name), path(name + "-20"), 20, ExtendMethod::kTile);
    for (const int64_t length : {3, 8}) {
      EXPECT_TRUE(at::equal(output_of(name + "-20", length), output_of(name, length)));
    }
    EXPECT_EQ(output_of(name + "-20", 20).size(1), 20);
    EXPECT_THROW(output_of(name, 9), UsageError);
  }
}

TEST_F(ModelConversion, InterpolationStretchesColumnsAndKeepsRowSums) {
  make_linformer("linformer", linformer_attention());
  const ConversionNotes notes =
      extend_model(path("linformer"), path("longer"), 16, ExtendMethod::kInterpolate);
  const auto before = tensors("linformer");
  const auto after = tensors("longer");
  EXPECT_LT(relative_difference(after.at(kE).sum(1), before.at(kE).sum(1)), 1e-5);
  // Twice as long: column 2j + 1 lies a quarter of the way from column j to j + 1.
  const at::Tensor expected =
      (before.at(kE).select(1, 3) * 0.75 + before.at(kE).select(1, 4) * 0.25) / 2;
  EXPECT_LT(relative_difference(after.at(kE).select(1, 7), expected), 1e-6);
  EXPECT_EQ(after.at(kPositions).sizes(), (std::vector<int64_t>{18, 8}));
  EXPECT_TRUE(
      at::equal(after.at(kPositions).narrow(0, 0, 2), before.at(kPositions).narrow(0, 0, 2)));
  EXPECT_THAT(notes, Contains(HasSubstr(": (10, 8) to (18, 8)")));
  EXPECT_THAT(notes, Contains(HasSubstr("E: (4, 8) to (4, 16)")));
}

TEST_F(ModelConversion, ExtendsWindowsByWidthOrByNumber) {
  AttentionConfig attention = linformer_attention();
  attention.projection = ProjectionType::kConv;
  make_linformer("conv", attention);
  extend_model(path("conv"), path("wider"), 16, ExtendMethod::kInterpolate);
  EXPECT_EQ(tensors("wider").at(kE).sizes(), (std::vector<int64_t>{8, 1, 4}));
  EXPECT_EQ(load_model(path("wider"))->config().projected_lengths(0).front(), 4);
  extend_model(path("conv"), path("more"), 16, ExtendMethod::kTile);
  EXPECT_EQ(tensors("more").at(kE).sizes(), (std::vector<int64_t>{8, 1, 2}));
  EXPECT_EQ(load_model(path("more"))->config().projected_lengths(0).front(), 8);
  EXPECT_THAT(message_of<UsageError>(
                  [&] { extend_model(path("conv"), path("x"), 12, ExtendMethod::kTile); }),
              HasSubstr("a multiple of n = 8"));
  EXPECT_THAT(message_of<UsageError>(
                  [&] { extend_model(path("conv"), path("x"), 8, ExtendMethod::kTile); }),
              HasSubstr("not more than the model's n = 8"));
}

TEST_F(ModelConversion, AverageIsTheMean) {
  make_directories(path("other"));
  save_model(path("other"), Model(standard(), 8), tokenizer_bytes());
  average_models({path("roberta"), path("other"), path("other")}, path("mean"));
  const auto a = tensors("roberta");
  const auto b = tensors("other");
  for (const auto& [name, tensor] : tensors("mean")) {
    const at::Tensor expected = (a.at(name).to(at::kDouble) + 2 * b.at(name).to(at::kDouble)) / 3;
    EXPECT_LT((tensor - expected).abs().max().item<double>(), 1e-6) << name;
  }
}

TEST_F(ModelConversion, WeightsThatAreNotFiniteAreRefused) {
  for (const float bad : {NAN, INFINITY}) {
    const Model model(standard(), 8);
    model.parameters().all().back().tensor.detach().view(-1)[0].fill_(bad);
    make_directories(path("bad"));
    save_model(path("bad"), model, tokenizer_bytes());
    EXPECT_THAT(message_of<RunError>([&] {
                  average_models({path("roberta"), path("bad")}, path("mean"));
                }),
                HasSubstr("holds values that are not finite"));
  }
}

TEST_F(ModelConversion, AverageRefusesModelsOfAnotherKind) {
  make_linformer("linformer", linformer_attention());
  EXPECT_THAT(message_of<RunError>([&] {
                average_models({path("roberta"), path("linformer")}, path("mean"));
              }),
              HasSubstr("is another kind of model"));
  make_directories(path("other"));
  save_model(path("other"), Model(standard(), 8), "another tokenizer");
  EXPECT_THAT(message_of<RunError>([&] {
                average_models({path("roberta"), path("other")}, path("mean"));
              }),
              HasSubstr("has another tokenizer"));
  EXPECT_THAT(message_of<UsageError>([&] { average_models({path("roberta")}, path("mean")); }),
              HasSubstr("at least two"));
}

}  // namespace
}  // namespace linformer
