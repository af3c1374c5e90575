#include "linformer/core/memory_size.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace linformer {
namespace {

TEST(MemorySize, IsThatOfTheMachineWithinLimits) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need more address space than this test leaves";
#endif
  const double free = available_memory_bytes();
  EXPECT_GT(free, 1e6);
  EXPECT_LT(free, 1e15);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit space{1 << 30, 1 << 30};
    ::setrlimit(RLIMIT_AS, &space);
    ::_exit(available_memory_bytes() <= 1073741824.0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace linformer
