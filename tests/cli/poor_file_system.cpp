// Preloaded into a program under test: a file system without symbolic links and locks, like some
// network and FUSE file systems.
#include <cerrno>

#include <sys/file.h>
#include <unistd.h>

extern "C" int symlink(const char*, const char*) noexcept {
  errno = EPERM;
  return -1;
}

extern "C" int symlinkat(const char*, int, const char*) noexcept {
  errno = EPERM;
  return -1;
}

extern "C" int flock(int, int) noexcept {
  errno = ENOSYS;
  return -1;
}
