// Preloaded into a program under test. From the N-th reading of the wall clock on (N is
// CLOCK_SHIFT_AFTER), the clock is a day earlier, as if it had been set back.
#include <atomic>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr time_t kDay = 24 * 60 * 60;
std::atomic<long> looks{0};

bool is_shifted() {
  static const char* const after = std::getenv("CLOCK_SHIFT_AFTER");
  return after != nullptr && looks.fetch_add(1) >= std::atol(after);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME && is_shifted()) time->tv_sec -= kDay;
  return static_cast<int>(result);
}

extern "C" time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}
