#include "linformer/core/clock.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace linformer {
namespace {

TEST(SteadySeconds, GoForward) {
  const double before = steady_seconds();
  ::usleep(2000);
  EXPECT_GE(steady_seconds() - before, 0.002);
}

}  // namespace
}  // namespace linformer
