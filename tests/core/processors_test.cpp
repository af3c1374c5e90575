#include "linformer/core/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Processors, AreAtLeastOne) {
  EXPECT_GE(num_processors(), 1);
}

TEST(Processors, ThreadsAreBounded) {
  check_threads("--threads", 1);
  check_threads("--threads", kMostThreads);
  for (const int64_t count : {int64_t{-1}, int64_t{0}, int64_t{100000}, INT64_MAX}) {
    EXPECT_THAT(message_of<UsageError>([&] { check_threads("run.threads", count); }),
                AllOf(HasSubstr("run.threads: " + std::to_string(count)), HasSubstr("fix: ")));
    EXPECT_THROW(check_processes("--jobs", count), UsageError);
  }
}

TEST(Processors, ThreadsThatTheSystemRefusesAreAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need more address space than this test leaves";
#endif
  const pid_t child = ::fork();
  if (child == 0) {
    // Stacks take address space, 8 MiB each as a rule: room for some of 64.
    const rlimit space{200 << 20, 200 << 20};
    if (::setrlimit(RLIMIT_AS, &space) != 0) ::_exit(1);
    const std::string message =
        message_of<UsageError>([] { check_threads("run.threads", kMostThreads); });
    ::_exit(message.find("the system gives this process") != std::string::npos ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace linformer
