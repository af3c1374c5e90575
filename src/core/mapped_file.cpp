#include "linformer/core/mapped_file.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linformer {

/// Ranges are never freed, only reused, since a handler may walk their list at any time.
struct MappedFile::Range {
  std::atomic<const std::byte*> begin{nullptr};
  std::atomic<size_t> size{0};
  std::atomic<bool> lost{false};
  Range* next = nullptr;

  static Range* take(const std::byte* data, size_t bytes);
  void give_back() { begin.store(nullptr); }
  static void on_bus_error(int signal_number, siginfo_t* info, void* context);
  static std::atomic<Range*> first;
};

std::atomic<MappedFile::Range*> MappedFile::Range::first{nullptr};

namespace {

std::mutex ranges_mutex;  // for threads that change the list

}  // namespace

/// A signal handler cannot throw. It maps zeros where the file has no bytes, and the reader checks
/// afterwards whether that happened.
void MappedFile::Range::on_bus_error(int signal_number, siginfo_t* info, void* /*context*/) {
  const int error = errno;
  const auto* const address = static_cast<const std::byte*>(info->si_addr);
  for (Range* range = first.load(); range != nullptr; range = range->next) {
    const std::byte* const begin = range->begin.load();
    if (begin == nullptr || address < begin || address >= begin + range->size.load()) continue;
    range->lost.store(true);  // first, so that no other thread takes the zeros for data
    const auto page_bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t offset = static_cast<size_t>(address - begin) / page_bytes * page_bytes;
    auto* const page = const_cast<std::byte*>(begin + offset);
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (::mmap(page, range->size.load() - offset, PROT_READ, kFlags, -1, 0) == MAP_FAILED) break;
    errno = error;
    return;
  }
  ::signal(signal_number,
           SIG_DFL);  // not one of these files: the fault occurs again and ends the program
}

MappedFile::Range* MappedFile::Range::take(const std::byte* data, size_t bytes) {
  const std::lock_guard lock(ranges_mutex);
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_sigaction = &Range::on_bus_error;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO;
    return ::sigaction(SIGBUS, &action, nullptr) == 0;
  }();
  if (!installed) fail_system("signal SIGBUS", "cannot be caught", errno);
  Range* range = first.load();
  while (range != nullptr && range->begin.load() != nullptr) range = range->next;
  const bool is_new = range == nullptr;
  if (is_new) range = new Range;
  range->lost.store(false);
  range->size.store(bytes);
  range->begin.store(data);
  if (is_new) {
    range->next = first.load();
    first.store(range);
  }
  return range;
}

LostBytesError::LostBytesError(const std::string& path)
    : RunError(path, "lost bytes while it was read: the file was cut short, or its disk failed",
               "put the whole file back, check the disk (dmesg), and run the same command again") {}

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer. It has no effect on regular files.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_system(path, "cannot open the file", errno);
  struct stat status {};
  int error = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (error == 0 && S_ISDIR(status.st_mode)) error = EISDIR;
  const bool regular = error == 0 && S_ISREG(status.st_mode);
  if (regular && status.st_size > 0) {  // mmap refuses an empty range
    size_ = static_cast<size_t>(status.st_size);
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
    // FUSE with direct I/O has no shared mappings.
    if (address == MAP_FAILED && (errno == ENODEV || errno == EINVAL)) {
      address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    if (address == MAP_FAILED) {
      error = errno;
      size_ = 0;
    } else {
      data_ = static_cast<const std::byte*>(address);
      range_ = Range::take(data_, size_);
    }
  }
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot map the file into memory", error);
  if (!regular) {
    fail_run(path, "not a regular file, so it cannot be mapped into memory",
             "copy its content to a file first");
  }
}

MappedFile::~MappedFile() {
  release();
}

void MappedFile::release() {
  if (data_ == nullptr) return;
  range_->give_back();
  ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::check() const {
  if (range_ == nullptr) return;
  // The flag is read after everything that was read before the call.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (range_->lost.load()) throw LostBytesError(path_);
  // After a truncation, the rest of the page reads as zeros without any signal. A file that was
  // removed or replaced is still mapped as it was.
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return;
  const bool same = status.st_dev == device_ && status.st_ino == inode_;
  if (same && static_cast<size_t>(status.st_size) < size_) throw LostBytesError(path_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      range_(std::exchange(other.range_, nullptr)),
      device_(other.device_),
      inode_(other.inode_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    range_ = std::exchange(other.range_, nullptr);
    device_ = other.device_;
    inode_ = other.inode_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

}  // namespace linformer
