#include "linformer/core/file_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "linformer/core/error.h"
#include "linformer/core/log.h"

namespace linformer {

namespace {

/// "process 1234 on HOST": written into the file for a process that finds it locked.
std::string own_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return "process " + std::to_string(::getpid()) + " on " + host.data();
}

/// What the last holder wrote; "" if there was none.
std::string read_holder(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  std::string holder(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder;
}

/// Errors of flock on network and FUSE file systems without locks or without a running lock
/// service.
bool has_no_locks(int error) {
  return error == ENOSYS || error == EOPNOTSUPP || error == ENOLCK || error == EINVAL;
}

/// flock() that is repeated after a signal; returns 0 or the error's number.
int lock_file(int descriptor, int operation) {
  int result = 0;
  do {
    result = ::flock(descriptor, operation);
  } while (result != 0 && errno == EINTR);
  return result != 0 ? errno : 0;
}

/// is_file_locked() holds a lock for an instant, which must not end a program that starts then.
int lock_after_readers(int descriptor) {
  constexpr int kTries = 5;
  constexpr auto kPause = std::chrono::milliseconds(20);
  int error = lock_file(descriptor, LOCK_EX | LOCK_NB);
  for (int i = 1; i < kTries && error == EWOULDBLOCK; ++i) {
    std::this_thread::sleep_for(kPause);
    error = lock_file(descriptor, LOCK_EX | LOCK_NB);
  }
  return error;
}

}  // namespace

FileLock::FileLock(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_system(path, "cannot open the lock file", errno);
  const int error = lock_after_readers(descriptor_);
  if (error != 0) {
    const std::string holder = read_holder(descriptor_);
    if (!has_no_locks(error)) ::close(descriptor_);
    if (error == EWOULDBLOCK) {
      fail_run(path, "in use by " + (holder.empty() ? "another process" : holder),
               "wait until it ends, stop it, or work in another folder");
    }
    if (!has_no_locks(error)) fail_system(path, "cannot lock the file", error);
    log_warning(path + ": no locks on this file system (" + std::strerror(error) +
                "); make sure that no second process works in this folder" +
                (holder.empty() ? "" : ". The last one was " + holder));
  }
  // The name is only informative; the lock works without it (on a full disk, for example).
  const std::string name = own_name() + "\n";
  if (::ftruncate(descriptor_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, name.data(), name.size(), 0);
  }
}

// The file is not removed: otherwise two processes could hold locks on two files of the same name.
FileLock::~FileLock() {
  ::close(descriptor_);
}

std::optional<bool> is_file_locked(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? std::optional(false) : std::nullopt;
  const int error = lock_file(descriptor, LOCK_SH | LOCK_NB);
  ::close(descriptor);  // and with it the lock
  if (error == 0) return false;
  return error == EWOULDBLOCK ? std::optional(true) : std::nullopt;
}

}  // namespace linformer
