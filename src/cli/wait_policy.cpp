// How the threads of LibTorch's operations wait for each other.
//
// libgomp lets a waiting thread spin for milliseconds. On a machine that does anything else as
// well, the spinning thread keeps the one that it waits for from running: a training step then
// takes several times longer (docs/results.md has figures). Short spinning costs nothing measurable
// on a quiet machine. libgomp reads the variable when it is loaded, so it is set before that, from
// the one place that runs earlier; a value that the user has set stays.
#include <cstdlib>

namespace {

void spin_briefly() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "2000", /*overwrite=*/0);
}

}  // namespace

__attribute__((section(".preinit_array"),
               used)) static void (*const run_before_libraries)() = &spin_briefly;
