// How the threads of LibTorch's operations wait for each other.
//
// libgomp lets a waiting thread spin for milliseconds. If other programs run on the machine, the
// spinning thread prevents the thread that it waits for from running, and a training step takes
// several times longer (docs/results.md has figures). Short spinning costs nothing measurable on an
// idle machine.
//
// libgomp reads the variable from the environment with which the process was started. Setting it
// later, even before main(), is too late, since libc's start code restores the first environment.
// So the program starts itself once more with the variable set, before any library has done
// anything. That costs 0.03 s. A value that the user has set is kept, and child
// processes inherit it.
#include <cstddef>
#include <cstring>

#include <unistd.h>

// Sanitizers are not set up yet at this point.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr size_t kMostVariables = 4096;
constexpr size_t kLongestPath = 4096;

bool begins_with(const char* text, const char* start) {
  return std::strncmp(text, start, std::strlen(start)) == 0;
}

void spin_briefly(int /*argc*/, char** argv, char** environment) {
  static char spin[] = "GOMP_SPINCOUNT=2000";
  static char* longer[kMostVariables];
  size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (begins_with(environment[count], "OMP_WAIT_POLICY=")) return;
    if (begins_with(environment[count], "GOMP_SPINCOUNT=")) return;
    if (count + 2 >= kMostVariables) return;
    longer[count] = environment[count];
  }
  longer[count] = spin;
  // Uses its real path, since ps and pkill would otherwise call it "exe". If this fails, only speed
  // is lost.
  static char path[kLongestPath];
  const ssize_t length = ::readlink("/proc/self/exe", path, kLongestPath);
  if (length <= 0 || static_cast<size_t>(length) >= kLongestPath) return;
  ::execve(path, argv, longer);
}

}  // namespace

__attribute__((section(".preinit_array"),
               used)) static void (*const run_before_libraries)(int, char**,
                                                                char**) = &spin_briefly;

#endif
