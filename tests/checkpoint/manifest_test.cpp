#include "linformer/checkpoint/manifest.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

class Manifest : public ::testing::Test {
 protected:
  Manifest() {
    std::filesystem::create_directory(folder_.file("training"));
    write_bytes(folder_.file("model.safetensors"), "weights");
    write_bytes(folder_.file("training/state.json"), "{}");
    write_bytes(folder_.file("empty"), "");
    write_manifest(folder_.path());
  }
  std::string damage() { return find_damage(folder_.path()).value_or("none"); }

  TemporaryFolder folder_;
};

TEST_F(Manifest, HoldsForWhatWasWritten) {
  EXPECT_EQ(damage(), "none");
  EXPECT_NO_THROW(verify_manifest(folder_.path()));
  write_bytes(folder_.file("notes.txt"), "a user's own file is no fault");
  EXPECT_EQ(damage(), "none");
}

TEST_F(Manifest, ListsSizesAndChecksums) {
  const std::string text = read_bytes(folder_.file("MANIFEST.json"));
  EXPECT_THAT(text, HasSubstr("\"training/state.json\""));
  EXPECT_THAT(text, HasSubstr("\"size\": 7"));
  EXPECT_THAT(text, HasSubstr("\"2d06800538d394c2\""));  // xxh3 of nothing, a published value
}

TEST_F(Manifest, NamesAFileThatIsMissingCutOrChanged) {
  write_bytes(folder_.file("model.safetensors"), "weightS");
  EXPECT_EQ(damage(), "model.safetensors is damaged: its checksum does not fit");
  write_bytes(folder_.file("model.safetensors"), "weigh");
  EXPECT_EQ(damage(), "model.safetensors has 5 bytes instead of 7");
  std::filesystem::remove(folder_.file("model.safetensors"));
  EXPECT_EQ(damage(), "model.safetensors is missing");
  EXPECT_THAT(message_of<RunError>([&] { verify_manifest(folder_.path()); }),
              HasSubstr(folder_.path() + ": model.safetensors is missing\n  fix: "));
}

TEST_F(Manifest, IsItselfChecked) {
  const std::string path = folder_.file("MANIFEST.json");
  const std::string whole = read_bytes(path);
  for (const std::string& text : {whole.substr(0, whole.size() / 2), std::string("[]"),
                                  std::string("{\"files\": 3}"), std::string()}) {
    write_bytes(path, text);
    EXPECT_EQ(damage(), "MANIFEST.json is damaged") << text;
  }
  write_bytes(path, R"({"files": {"empty": {"size": "7"}}})");
  EXPECT_EQ(damage(), "empty has no size and xxh3 in the manifest");
  write_bytes(path, R"({"files": {"../secret": {"size": 1, "xxh3": "0"}}})");
  EXPECT_EQ(damage(), "MANIFEST.json names a file outside: ../secret");
  std::filesystem::remove(path);
  EXPECT_THAT(damage(), HasSubstr("MANIFEST.json is missing"));
}

}  // namespace
}  // namespace linformer
