#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TensorSource source(const std::string& name, TensorType type, std::vector<int64_t> shape,
                    const std::string& bytes) {
  return {name, type, std::move(shape),
          [bytes] { return std::as_bytes(std::span(bytes.data(), bytes.size())); }};
}

std::vector<TensorSource> three_tensors() {
  return {source("z", TensorType::kU8, {3}, "abc"),
          source("a", TensorType::kBool, {}, std::string("\1", 1)),
          source("m", TensorType::kF32, {1, 2}, "12345678")};
}

TEST(SafetensorsWriter, PutsWideTensorsFirstSoThatAllAreAligned) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, three_tensors(), {{"format", "pt"}});
  const std::string bytes = read_bytes(path);
  const size_t header =
      static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  EXPECT_EQ(header % 8, 0u);
  EXPECT_EQ(bytes.substr(8 + header), std::string("12345678\1abc"));
  const SafetensorsFile file(path);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.at("m").bytes.data()) % 8, 0u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(SafetensorsWriter, WritesTheSameBytesAgain) {
  const TemporaryFolder folder;
  auto reversed = three_tensors();
  std::reverse(reversed.begin(), reversed.end());
  write_safetensors(folder.file("1"), three_tensors());
  write_safetensors(folder.file("2"), reversed);
  EXPECT_EQ(read_bytes(folder.file("1")), read_bytes(folder.file("2")));
}

TEST(SafetensorsWriter, ReadsBackNamesTypesShapesAndBytes) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("x"), three_tensors());
  const SafetensorsFile file(folder.file("x"));
  file.verify();
  for (const TensorSource& tensor : three_tensors()) {
    const TensorView& view = file.at(tensor.name);
    EXPECT_EQ(view.type, tensor.type);
    EXPECT_EQ(view.shape, tensor.shape);
    const auto expected = tensor.bytes();
    EXPECT_TRUE(std::equal(view.bytes.begin(), view.bytes.end(), expected.begin(), expected.end()));
  }
}

TEST(SafetensorsWriter, WritesNoTensorsAndEmptyOnes) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("none"), {});
  EXPECT_TRUE(SafetensorsFile(folder.file("none")).tensors().empty());
  write_safetensors(folder.file("empty"), {source("e", TensorType::kF64, {0, 7}, "")});
  EXPECT_EQ(SafetensorsFile(folder.file("empty")).at("e").num_elements(), 0);
}

TEST(SafetensorsWriter, AnyFlippedBitOfTheDataIsFoundAndItsTensorNamed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, three_tensors());
  const std::string whole = read_bytes(path);
  const size_t data = whole.size() - 12;
  for (size_t bit = data * 8; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_bytes(path, flipped);
    const size_t offset = bit / 8 - data;
    const std::string name = offset < 8 ? "m" : offset < 9 ? "a" : "z";
    const SafetensorsFile file(path);
    EXPECT_THAT(message_of<RunError>([&] { file.verify(); }),
                HasSubstr(path + ": tensor " + name + ": is damaged"));
  }
}

TEST(SafetensorsWriter, AFlippedBitOfTheHeaderNeverPassesAsTheSameContent) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, three_tensors());
  const std::string whole = read_bytes(path);
  for (size_t bit = 0; bit < (whole.size() - 12) * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_bytes(path, flipped);
    try {
      const SafetensorsFile file(path);
      file.verify();
      // What still reads may only differ in a name, a type of the same width or padding.
      EXPECT_EQ(file.tensors().size(), 3u) << bit;
    } catch (const RunError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path)) << bit;
    }
  }
}

TEST(SafetensorsWriter, RefusesNamesGivenTwiceAndBytesThatDoNotFit) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const auto a = source("a", TensorType::kU8, {1}, "x");
  EXPECT_THAT(message_of<RunError>([&] {
                write_safetensors(path, {a, a});
              }),
              HasSubstr("cannot hold a tensor a twice"));
  const auto reserved = source("__metadata__", TensorType::kU8, {1}, "x");
  EXPECT_THAT(message_of<RunError>([&] { write_safetensors(path, {reserved}); }),
              HasSubstr("named __metadata__"));
  const auto wrong = source("b", TensorType::kF32, {1}, "x");
  EXPECT_THAT(message_of<RunError>([&] { write_safetensors(path, {wrong}); }),
              HasSubstr("tensor b gave 1 bytes for shape (1)"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace linformer
