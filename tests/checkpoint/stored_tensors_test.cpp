#include "linformer/checkpoint/stored_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors_bytes.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

/// A file with one tensor of two bytes.
void write_shard(const std::string& path, const std::string& tensor) {
  write_file_atomically(
      path, safetensors_bytes(
                R"({")" + tensor + R"(":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "ab"));
}

std::string index_of(const std::string& map) {
  return R"({"metadata": {"total_size": 4}, "weight_map": )" + map + "}";
}

TEST(StoredTensors, JoinsTheShardsOfAnIndex) {
  const TemporaryFolder folder;
  write_shard(folder.file("one.safetensors"), "a");
  write_shard(folder.file("two.safetensors"), "b");
  write_file_atomically(folder.file("model.safetensors.index.json"),
                        index_of(R"({"a": "one.safetensors", "b": "two.safetensors"})"));
  const StoredTensors tensors = StoredTensors::open_folder(folder.path());
  EXPECT_EQ(tensors.tensors().size(), 2u);
  EXPECT_EQ(tensors.tensors().at("b").shape, (std::vector<int64_t>{2}));
  EXPECT_NO_THROW(tensors.verify());
}

TEST(StoredTensors, TakesASingleFile) {
  const TemporaryFolder folder;
  write_shard(folder.file("model.safetensors"), "a");
  EXPECT_EQ(StoredTensors::open_folder(folder.path()).tensors().count("a"), 1u);
}

TEST(StoredTensors, RefusesAnIndexThatDoesNotHold) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{", "index.json"},
      {"[]", "has no weight_map"},
      {index_of("{}"), "has no weight_map"},
      {index_of(R"({"a": 3})"), "which is not a file beside it"},
      {index_of(R"({"a": "../one.safetensors"})"), "which is not a file beside it"},
      {index_of(R"({"a": "absent.safetensors"})"), "absent.safetensors"},
      {index_of(R"({"a": "one.safetensors", "b": "one.safetensors"})"), "has no tensor b"},
      {index_of(R"({"b": "one.safetensors"})"), "holds a, the index does not say so"}};
  for (const auto& [index, message] : cases) {
    const TemporaryFolder folder;
    write_shard(folder.file("one.safetensors"), "a");
    write_file_atomically(folder.file("model.safetensors.index.json"), index);
    EXPECT_THAT(message_of<RunError>([&] { StoredTensors::open_folder(folder.path()); }),
                HasSubstr(message));
  }
}

TEST(StoredTensors, RefusesTwoWaysToReadAFolder) {
  const TemporaryFolder folder;
  write_shard(folder.file("model.safetensors"), "a");
  write_file_atomically(folder.file("model.safetensors.index.json"),
                        index_of(R"({"a": "model.safetensors"})"));
  EXPECT_THAT(message_of<RunError>([&] { StoredTensors::open_folder(folder.path()); }),
              HasSubstr("has both"));
}

}  // namespace
}  // namespace linformer
