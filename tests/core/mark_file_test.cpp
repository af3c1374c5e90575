#include "linformer/core/mark_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

TEST(FollowMarks, OnTheWayAndAtTheEnd) {
  const TemporaryFolder folder;
  const std::string run = folder.file("run");
  make_directories(run + "/step-00000002/latest");
  write_file_atomically(run + "/latest", "step-00000002\n");
  write_file_atomically(run + "/best", "step-00000002");
  write_file_atomically(run + "/other", "step-00000002\n");
  std::filesystem::create_symlink("step-00000002", run + "/link");
  make_directories(run + "/sub");
  for (const char* text : {"", "step-", "../step-2", "step-2/..", "step-x", "\n"}) {
    write_file_atomically(run + "/sub/latest", text);
    EXPECT_EQ(follow_marks(run + "/sub/latest/a"), run + "/sub/latest/a") << text;
  }
  const std::vector<std::pair<std::string, std::string>> cases{
      {"/latest", "/step-00000002"},
      {"/latest/", "/step-00000002"},
      {"/best/tokenizer.model", "/step-00000002/tokenizer.model"},
      {"/latest/training/state.json", "/step-00000002/training/state.json"},
      {"/sub/../best/a", "/sub/../step-00000002/a"},
      {"/step-00000002/latest/a", "/step-00000002/latest/a"},  // a folder of that name
      {"/other", "/other"},
      {"/link/a/", "/link/a/"},
      {"/none/latest", "/none/latest"},
      {"//step-00000002/", "//step-00000002/"},
      {"", ""}};
  for (const auto& [given, expected] : cases) EXPECT_EQ(follow_marks(run + given), run + expected);
  EXPECT_EQ(follow_marks(""), "");
  EXPECT_EQ(follow_marks("latest"), "latest");
}

}  // namespace
}  // namespace linformer
