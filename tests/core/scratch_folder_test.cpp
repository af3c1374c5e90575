#include "linformer/core/scratch_folder.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

TEST(ScratchFolder, IsFreshAndRemovedWithAllItHolds) {
  std::string first, second;
  {
    const ScratchFolder a("test"), b("test");
    first = a.file("one");
    second = b.file("one");
    write_file_atomically(first, "x");
    make_directories(a.file("deep/er"));
    EXPECT_TRUE(fs::exists(first));
    EXPECT_FALSE(fs::exists(second));
    EXPECT_THAT(first, ::testing::HasSubstr("/linformer-test-"));
  }
  EXPECT_FALSE(fs::exists(fs::path(first).parent_path()));
  EXPECT_FALSE(fs::exists(fs::path(second).parent_path()));
}

}  // namespace
}  // namespace linformer
