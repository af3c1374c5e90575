#include "linformer/checkpoint/tensor_files.h"

#include <filesystem>
#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

at::Tensor range(std::initializer_list<int64_t> shape, at::ScalarType type = at::kFloat) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return at::arange(count).to(type).reshape(at::IntArrayRef(shape));
}

TEST(ModelFolder, TensorsOfEveryTypeComeBackBitForBit) {
  const TemporaryFolder folder;
  NamedTensors tensors;
  for (const at::ScalarType type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt,
                                    at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    tensors.emplace_back(std::string("t.") + at::toString(type), range({2, 3}, type));
  }
  tensors.emplace_back("transposed", range({3, 4}).t());
  tensors.emplace_back("scalar", at::scalar_tensor(2.5));
  tensors.emplace_back("empty", at::empty({0, 3}));
  tensors.emplace_back("needs_grad", range({2}).set_requires_grad(true));
  tensors.emplace_back("odd", at::scalar_tensor(std::numeric_limits<float>::quiet_NaN()));
  save_tensors(folder.file("m"), tensors);
  const auto read = load_tensors(folder.file("m"));
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read.at(name).nan_to_num(7), tensor.detach().nan_to_num(7))) << name;
  }
  EXPECT_TRUE(read.at("odd").isnan().item<bool>());
  EXPECT_EQ(SafetensorsFile(folder.file("m")).metadata().at("format"), "pt");
}

TEST(ModelFolder, RefusesTypesThatTheFormatLacks) {
  const TemporaryFolder folder;
  const auto complex = at::zeros({1}, at::kComplexFloat);
  EXPECT_THAT(message_of<RunError>([&] {
                save_tensors(folder.file("m"), {{"c", complex}});
              }),
              HasSubstr("tensor c has an element type"));
}

TEST(ModelFolder, LoadsIntoParametersAndConvertsFloatingTypes) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m"), {{"w", range({2, 2}, at::kHalf)}, {"b", range({3}).add(5)}});
  const at::Tensor w = at::zeros({2, 2}).set_requires_grad(true);
  const at::Tensor b = at::zeros({3});
  const void* storage = w.const_data_ptr();
  load_into(folder.file("m"), {{"w", w}, {"b", b}});
  EXPECT_TRUE(at::equal(w.detach(), range({2, 2})));
  EXPECT_TRUE(at::equal(b, range({3}).add(5)));
  EXPECT_EQ(w.const_data_ptr(), storage);
  EXPECT_TRUE(w.requires_grad());
}

TEST(ModelFolder, ListsMissingUnknownAndMisshapenTensorsAndLoadsNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.file("model.safetensors");
  save_tensors(path, {{"same", range({2})},
                      {"shape", range({2, 3})},
                      {"kind", range({2}, at::kLong)},
                      {"extra", range({1})}});
  const at::Tensor same = at::zeros({2});
  const NamedTensors targets{{"same", same},
                             {"shape", at::zeros({3, 2})},
                             {"kind", at::zeros({2})},
                             {"absent", at::zeros({1})}};
  const std::string text = message_of<RunError>([&] { load_into(path, targets); });
  EXPECT_THAT(text, AllOf(HasSubstr(path + ": does not fit the model"),
                          HasSubstr("\n  missing in the file: absent"),
                          HasSubstr("shape (2, 3) in the file, (3, 2) in the model"),
                          HasSubstr("kind I64 in the file, Float in the model"),
                          HasSubstr("\n  unknown to the model: extra")));
  EXPECT_TRUE(at::equal(same, at::zeros({2})));
}

TEST(ModelFolder, ShortensLongLists) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m"), {});
  NamedTensors targets;
  for (int i = 0; i < 20; ++i) targets.emplace_back("layer." + std::to_string(i), at::zeros({1}));
  EXPECT_THAT(message_of<RunError>([&] { load_into(folder.file("m"), targets); }),
              HasSubstr("layer.7 and 12 more"));
}

TEST(ModelFolder, ADamagedTensorIsNamedAndNothingLoaded) {
  const TemporaryFolder folder;
  const std::string path = folder.file("model.safetensors");
  save_tensors(path, {{"first", range({4})}, {"second", range({4})}});
  std::string bytes = read_bytes(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // the last byte belongs to "second"
  write_bytes(path, bytes);
  const at::Tensor first = at::zeros({4});
  const at::Tensor second = at::zeros({4});
  EXPECT_THAT(message_of<RunError>([&] {
                load_into(path, {{"first", first}, {"second", second}});
              }),
              HasSubstr(path + ": tensor second: is damaged"));
  EXPECT_TRUE(at::equal(first, at::zeros({4})));
  EXPECT_THAT(message_of<RunError>([&] { load_tensors(path); }), HasSubstr("tensor second"));
}

TEST(ModelFolder, ReadsWeightsOfTransformers) {
  const std::string folder = std::string(LINFORMER_SHARED_DIR) + "/fixtures/hf-roberta-masked-lm";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const auto tensors = load_tensors(folder + "/model.safetensors");
  EXPECT_EQ(tensors.at("roberta.embeddings.word_embeddings.weight").sizes(),
            at::IntArrayRef({120, 32}));
  const auto inputs = load_tensors(folder + "/inputs.safetensors");
  EXPECT_EQ(inputs.at("input_ids").scalar_type(), at::kLong);
  EXPECT_GE(inputs.at("input_ids").min().item<int64_t>(), 0);
  EXPECT_LT(inputs.at("input_ids").max().item<int64_t>(), 120);
}

}  // namespace
}  // namespace linformer
