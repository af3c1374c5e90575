#include "linformer/core/error.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

namespace linformer {
namespace {

using testing::HasSubstr;

TEST(Error, SaysWhereWhatAndFix) {
  EXPECT_EQ(message_of<UsageError>([] { fail_usage("model.k", "k exceeds n", "lower k"); }),
            "model.k: k exceeds n\n  fix: lower k");
  EXPECT_EQ(message_of<RunError>([] { fail_run("a.shard", "is cut", "prepare it again"); }),
            "a.shard: is cut\n  fix: prepare it again");
}

TEST(Error, CarriesTheExitCode) {
  EXPECT_EQ(UsageError("a", "b", "c").exit_code(), 2);
  EXPECT_EQ(RunError("a", "b", "c").exit_code(), 1);
}

TEST(FailSystem, FixFitsTheFault) {
  const auto message = [](int number) {
    return message_of<RunError>([&] { fail_system("/tmp", "cannot write", number); });
  };
  EXPECT_THAT(message(ENOSPC), HasSubstr("/tmp: cannot write: No space left on device\n  fix: "));
  EXPECT_THAT(message(ENOSPC), HasSubstr("free space on that file system"));
  EXPECT_THAT(message(EACCES), HasSubstr("permission"));
  EXPECT_THAT(message(ENOENT), HasSubstr("spelling"));
  EXPECT_THAT(message(EISDIR), HasSubstr("name a file"));
  EXPECT_THAT(message(EROFS), HasSubstr("read-only"));
  EXPECT_THAT(message(EDQUOT), HasSubstr("quota"));
  EXPECT_THAT(message(EMFILE), HasSubstr("ulimit -n"));
  EXPECT_THAT(message(EPROTO), HasSubstr("fix: "));
}

}  // namespace
}  // namespace linformer
