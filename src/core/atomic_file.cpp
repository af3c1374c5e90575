#include "linformer/core/atomic_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "linformer/core/error.h"

namespace linformer {

namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

/// Writes all of it; returns 0 or errno.
int write_all(int descriptor, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

/// What a symbolic link leads to; other paths as they are. A link stays a link.
std::string target_of(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the system follows; a longer chain is a circle
  std::filesystem::path target = path;
  std::error_code error;
  for (int links = 0; links < kMostLinks; ++links) {
    if (!std::filesystem::is_symlink(std::filesystem::symlink_status(target, error))) break;
    const auto next = std::filesystem::read_symlink(target, error);
    if (error) break;
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  return target.string();
}

/// The temporary files that this process writes at the moment.
class OpenFiles {
 public:
  /// False if it is one of them already.
  static bool add(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return paths_.insert(path).second;
  }
  static void remove(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    paths_.erase(path);
  }

 private:
  static inline std::mutex mutex_;
  static inline std::set<std::string> paths_;
};

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(target_of(path)) {
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  // Detected here rather than by the final rename, after hours of work.
  if (exists && S_ISDIR(status.st_mode)) fail_system(path, "cannot write the file", EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_system(path, "cannot open it for writing", errno);
    return;
  }
  temporary_path_ = path_ + ".tmp-" + std::to_string(::getpid());
  if (!OpenFiles::add(temporary_path_)) {
    const std::string name = temporary_path_;
    temporary_path_.clear();
    fail_run(path, "is to be written twice at the same time (as " + name + ")",
             "give the outputs different names");
  }
  descriptor_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const int error = errno;
    OpenFiles::remove(temporary_path_);
    fail_system(path, "cannot create the file", error);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (temporary_path_.empty()) return;
  if (descriptor_ >= 0) ::unlink(temporary_path_.c_str());
  OpenFiles::remove(temporary_path_);
}

void AtomicFile::flush() {
  const int error = write_all(descriptor_, buffer_.data(), buffer_.size());
  if (error != 0) fail_system(path_, "cannot write the file", error);
  buffer_.clear();
}

void AtomicFile::write(const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  size_ += size;
  if (buffer_.size() + size > kBufferBytes) flush();
  if (size >= kBufferBytes) {
    const int error = write_all(descriptor_, bytes, size);
    if (error != 0) fail_system(path_, "cannot write the file", error);
    return;
  }
  if (size > 0) buffer_.append(bytes, size);
}

void AtomicFile::write_at(size_t offset, const void* data, size_t size) {
  if (offset + size > size_)
    throw std::logic_error("AtomicFile::write_at past the end of " + path_);
  flush();
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor_, bytes, size, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail_system(path_, "cannot write the file", errno);
    }
    bytes += written;
    offset += static_cast<size_t>(written);
    size -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  flush();
  const bool is_file = !temporary_path_.empty();
  if (::fsync(descriptor_) != 0 && is_file) {
    fail_system(path_, "cannot flush the file to disk", errno);
  }
  const int descriptor = descriptor_;
  descriptor_ = -1;  // the destructor has nothing left to do
  // Network file systems may report a full disk only here.
  if (::close(descriptor) != 0 && errno != EINTR) {
    const int error = errno;
    if (is_file) ::unlink(temporary_path_.c_str());
    fail_system(path_, "cannot finish the file", error);
  }
  if (!is_file) return;
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_path_.c_str());
    fail_system(path_, "cannot move the finished file into place", error);
  }
  sync_directory(parent_of(path_));
}

void write_file_atomically(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void append_to_file(const std::string& path, std::string_view content) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_system(path, "cannot open the file to append to it", errno);
  struct stat status {};
  int error = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  if (error == 0) {
    error = write_all(descriptor, content.data(), content.size());
    if (error == 0 && S_ISREG(status.st_mode) && ::fdatasync(descriptor) != 0) error = errno;
    // Half a record would break every later reader of the file.
    if (error != 0 && S_ISREG(status.st_mode) && ::ftruncate(descriptor, status.st_size) != 0) {
      error = errno;
    }
  }
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot append to the file", error);
}

std::string read_text_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_system(path, "cannot open the file", errno);
  std::string content;
  std::string piece(size_t{1} << 16, '\0');
  int error = 0;
  while (true) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      error = errno;
      break;
    }
    content.append(piece.data(), static_cast<size_t>(count));
  }
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot read the file", error);
  return content;
}

void sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail_system(path, "cannot open the folder", errno);
  // Some file systems (network, FUSE) cannot sync a folder and say so; there is no alternative.
  constexpr std::array kCannot{EINVAL, EOPNOTSUPP, ENOSYS, EBADF};
  int error = ::fsync(descriptor) == 0 ? 0 : errno;
  if (std::find(kCannot.begin(), kCannot.end(), error) != kCannot.end()) error = 0;
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot flush the folder to disk", error);
}

void make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail_system(path, "cannot create the folder", error.value());
}

size_t free_disk_bytes(const std::string& path) {
  std::filesystem::path place = std::filesystem::absolute(path);
  std::error_code ignored;
  while (!std::filesystem::exists(place, ignored) && place.has_relative_path())
    place = place.parent_path();
  struct statvfs status {};
  if (::statvfs(place.c_str(), &status) != 0)
    fail_system(path, "cannot ask the file system for its free space", errno);
  return static_cast<size_t>(status.f_bavail) * static_cast<size_t>(status.f_frsize);
}

}  // namespace linformer
