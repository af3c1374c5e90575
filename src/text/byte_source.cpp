#include "linformer/text/byte_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/stop_signal.h"
#include "linformer/core/utf8.h"

namespace linformer {

namespace {

constexpr size_t kBufferBytes = 1 << 17;
constexpr std::array kCompressed{".zst", ".gz"};

/// Texts and tables are files that the user named: one that does not exist is wrong usage.
[[noreturn]] void fail_open(const std::string& path, int error) {
  if (error != ENOENT && error != ENOTDIR) fail_system(path, "cannot open for reading", error);
  fail_missing(path, std::string("cannot open for reading: ") + std::strerror(error),
               "check the spelling of the path");
}

/// The stored bytes of a file or of standard input.
class StoredBytes {
 public:
  explicit StoredBytes(const std::string& path) : name_(input_name(path)) {
    descriptor_ = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_open(name_, errno);
    struct stat status {};
    is_file_ = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    if (is_file_) ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~StoredBytes() { ::close(descriptor_); }
  StoredBytes(const StoredBytes&) = delete;
  StoredBytes& operator=(const StoredBytes&) = delete;

  size_t read(char* data, size_t size) {
    while (true) {
      if (!is_file_) wait_for_data();
      const ssize_t count = ::read(descriptor_, data, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_system(name_, "cannot read", errno);
      consumed_ += static_cast<uint64_t>(count);
      return static_cast<size_t>(count);
    }
  }

  bool ready() const {
    struct pollfd waiting {
      descriptor_, POLLIN, 0
    };
    return is_file_ || ::poll(&waiting, 1, 0) > 0;
  }

  const std::string& name() const { return name_; }
  uint64_t consumed() const { return consumed_; }

 private:
  /// A pipe may be silent for hours, and Ctrl-C has to end the wait.
  void wait_for_data() const {
    struct pollfd waiting {
      descriptor_, POLLIN, 0
    };
    while (::poll(&waiting, 1, 200) == 0 || waiting.revents == 0) {
      if (stop_signal() != 0) throw StopError(name_);
    }
  }

  std::string name_;
  int descriptor_ = -1;
  bool is_file_ = false;
  uint64_t consumed_ = 0;
};

/// Stored bytes and the buffer that a decompressor reads from.
struct StoredBuffer {
  explicit StoredBuffer(const std::string& path) : file(path), buffer(kBufferBytes) {}

  bool refill() {
    begin = 0;
    end = file.read(buffer.data(), buffer.size());
    return end > 0;
  }
  /// Appends more stored bytes to the buffer; false at the end of the file.
  bool extend() {
    const size_t more = file.read(buffer.data() + end, buffer.size() - end);
    end += more;
    return more > 0;
  }
  /// False if the file ends before there are more than `size` bytes.
  bool has_more_than(size_t size) {
    if (begin > 0 && end - begin <= size) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    while (end - begin <= size) {
      if (!extend()) return false;
    }
    return true;
  }
  std::string_view rest() const { return {buffer.data() + begin, end - begin}; }
  bool ready() const { return begin < end || file.ready(); }

  StoredBytes file;
  std::vector<char> buffer;
  size_t begin = 0;
  size_t end = 0;
};

[[noreturn]] void fail_cut_short(const std::string& name, const char* kind) {
  fail_run(name, std::string("the file is cut short: its ") + kind + " stream has no end",
           "copy or download the file again");
}

[[noreturn]] void fail_damaged(const std::string& name, const char* kind, const char* why) {
  fail_run(name, std::string("the ") + kind + " stream is damaged (" + why + ")",
           "copy or download the file again");
}

/// The first bytes of the formats, as far as `front` goes. A terminal may give one byte at a time,
/// so no more bytes are requested than are needed to tell the formats apart.
bool may_be_zstd(std::string_view front) {
  constexpr std::string_view kFrame = "\x28\xB5\x2F\xFD";
  constexpr std::string_view kSkippable = "\x2A\x4D\x18";  // after 0x50 .. 0x5F
  if (kFrame.starts_with(front.substr(0, 4))) return true;
  if (front.empty() || (static_cast<unsigned char>(front[0]) & 0xF0) != 0x50) return false;
  return kSkippable.starts_with(front.substr(1, 3));
}

bool may_be_gzip(std::string_view front) {
  return std::string_view("\x1F\x8B").starts_with(front.substr(0, 2));
}

class PlainSource : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<StoredBuffer> stored) : stored_(std::move(stored)) {}

  size_t read(char* data, size_t size) override {
    const std::string_view first = stored_->rest();
    if (first.empty()) return stored_->file.read(data, size);
    const size_t count = std::min(size, first.size());
    std::memcpy(data, first.data(), count);
    stored_->begin += count;
    return count;
  }
  bool ready() const override { return stored_->ready(); }
  uint64_t consumed_bytes() const override { return stored_->file.consumed(); }

 private:
  std::unique_ptr<StoredBuffer> stored_;
};

class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<StoredBuffer> stored)
      : stored_(std::move(stored)), context_(ZSTD_createDCtx()) {
    // Files made with `zstd --long` or `--ultra` need a larger window than the library's default.
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, 31);
  }
  ~ZstdSource() override { ZSTD_freeDCtx(context_); }

  size_t read(char* data, size_t size) override {
    ZSTD_outBuffer output{data, size, 0};
    while (output.pos == 0) {
      if (stored_->rest().empty() && !stored_->refill()) {
        if (inside_frame_ && !flush(output)) fail_cut_short(stored_->file.name(), "zstd");
        return output.pos;
      }
      decompress(output);
    }
    return output.pos;
  }
  bool ready() const override { return stored_->ready(); }
  uint64_t consumed_bytes() const override { return stored_->file.consumed(); }

 private:
  void decompress(ZSTD_outBuffer& output) {
    const std::string_view rest = stored_->rest();
    ZSTD_inBuffer input{rest.data(), rest.size(), 0};
    const size_t result = ZSTD_decompressStream(context_, &output, &input);
    if (ZSTD_isError(result)) {
      fail_damaged(stored_->file.name(), "zstd", ZSTD_getErrorName(result));
    }
    stored_->begin += input.pos;
    inside_frame_ = result != 0;
  }

  /// At the end of the file the decoder may still hold output; false if nothing more comes.
  bool flush(ZSTD_outBuffer& output) {
    decompress(output);
    return output.pos > 0 || !inside_frame_;
  }

  std::unique_ptr<StoredBuffer> stored_;
  ZSTD_DCtx* context_;
  bool inside_frame_ = false;
};

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<StoredBuffer> stored) : stored_(std::move(stored)) {
    // 15 bits of window, +16: the gzip container.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) {
      fail_run(stored_->file.name(), "zlib could not start", "check that memory is free");
    }
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  size_t read(char* data, size_t size) override {
    if (ended_) return 0;
    stream_.next_out = reinterpret_cast<Bytef*>(data);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, 1U << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      if (stored_->rest().empty() && !stored_->refill()) {
        if (inside_member_) fail_cut_short(stored_->file.name(), "gzip");
        return 0;
      }
      if (!inside_member_ && !next_member()) return 0;
      inflate_some();
    }
    return wanted - stream_.avail_out;
  }
  bool ready() const override { return stored_->ready(); }
  uint64_t consumed_bytes() const override { return stored_->file.consumed(); }

 private:
  /// Finds the beginning of the next member; false if there is none. A file may hold several
  /// members one after the other (as `cat a.gz b.gz` makes). Zeros after them fill up a block of a
  /// tape or disk. Anything else there is skipped with a warning, as gzip does.
  bool next_member() {
    if (num_members_++ > 0) {
      while (stored_->rest().empty() || stored_->rest()[0] == '\0') {
        stored_->begin = std::min(stored_->end, stored_->begin + 1);
        if (stored_->rest().empty() && !stored_->refill()) return false;
      }
      if (!stored_->has_more_than(1) || !may_be_gzip(stored_->rest())) {
        log_warning(stored_->file.name() +
                    ": the data after its gzip stream is not gzip and was left out");
        ended_ = true;
        return false;
      }
    }
    inflateReset(&stream_);
    return true;
  }

  void inflate_some() {
    const std::string_view rest = stored_->rest();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream_.avail_in = static_cast<uInt>(rest.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      fail_damaged(stored_->file.name(), "gzip", stream_.msg ? stream_.msg : "unknown error");
    }
    stored_->begin += rest.size() - stream_.avail_in;
    inside_member_ = result != Z_STREAM_END;
  }

  std::unique_ptr<StoredBuffer> stored_;
  z_stream stream_{};
  bool inside_member_ = false;
  bool ended_ = false;  // before the end of the file
  uint64_t num_members_ = 0;
};

/// The name in lower case. The case of a name means nothing: some disks have capital letters only.
std::string lower_case_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

}  // namespace

std::string input_name(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

bool is_system_file(const std::string& path) {
  constexpr std::array<std::string_view, 8> kNames{".ds_store",   ".localized", ".apdisk",
                                                   "icon\r",      "thumbs.db",  "ehthumbs.db",
                                                   "desktop.ini", ".directory"};
  constexpr std::array<std::string_view, 2> kFolders{"__MACOSX", "@eaDir"};
  const std::filesystem::path whole(path);
  const std::string name = lower_case_name(whole);
  if (name.starts_with("._") || std::find(kNames.begin(), kNames.end(), name) != kNames.end()) {
    return true;
  }
  return std::any_of(whole.begin(), whole.end(), [&](const std::filesystem::path& folder) {
    return std::find(kFolders.begin(), kFolders.end(), folder.string()) != kFolders.end();
  });
}

std::vector<std::string> without_system_files(std::vector<std::string> paths) {
  std::vector<std::string> kept;
  for (const std::string& path : paths) {
    if (!is_system_file(path)) {
      kept.push_back(path);
    } else {
      log_warning(path + ": left out: this file belongs to an operating system");
    }
  }
  if (kept.empty() && !paths.empty()) {
    fail_run(paths.front(), "this file belongs to an operating system and is not text",
             "name the files of text, or give this one another name");
  }
  return kept;
}

std::unique_ptr<ByteSource> open_byte_source(const std::string& path) {
  auto stored = std::make_unique<StoredBuffer>(path);
  const auto may_be_compressed = [&] {
    return may_be_zstd(stored->rest()) || may_be_gzip(stored->rest());
  };
  while (stored->rest().size() < 4 && may_be_compressed() && stored->extend()) {
  }
  const std::string_view front = stored->rest();
  if (front.size() >= 4 && may_be_zstd(front)) {
    return std::make_unique<ZstdSource>(std::move(stored));
  }
  if (front.size() >= 2 && may_be_gzip(front)) {
    return std::make_unique<GzipSource>(std::move(stored));
  }
  const std::string name = lower_case_name(path);
  for (const char* ending : kCompressed) {
    if (name.ends_with(ending)) {
      fail_run(path, std::string("the name ends in ") + ending + " but the content is not that",
               "compress the file, or rename it if it is plain text");
    }
  }
  return std::make_unique<PlainSource>(std::move(stored));
}

uint64_t check_input(const std::string& path) {
  if (path == "-") return 0;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_open(path, errno);
  if (S_ISDIR(status.st_mode)) {
    fail_usage(path, "is a folder, not a file", "name the files in it, for example " + path + "/*");
  }
  if (::access(path.c_str(), R_OK) != 0) fail_open(path, errno);
  if (!S_ISREG(status.st_mode)) return 0;
  if (status.st_size == 0) {
    fail_run(path, "the file is empty", "leave it out, or find out why nothing was written to it");
  }
  return static_cast<uint64_t>(status.st_size);
}

std::string read_input(const std::string& path) {
  const std::unique_ptr<ByteSource> source = open_byte_source(path);
  std::string content;
  std::string piece(size_t{1} << 14, '\0');
  while (const size_t count = source->read(piece.data(), piece.size())) {
    content.append(piece, 0, count);
  }
  if (content.starts_with(kByteOrderMark)) content.erase(0, kByteOrderMark.size());
  return content;
}

std::string name_without_compression(const std::string& path) {
  std::string name = lower_case_name(path);
  for (const std::string_view ending : kCompressed) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return name;
}

}  // namespace linformer
