#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace linformer {

/// A stream of decompressed bytes with bounded memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills up to `size` bytes, returns how many; 0 only at the end. Throws RunError that names the
  /// file if it cannot be read, is damaged, or a compressed stream is cut short.
  virtual size_t read(char* data, size_t size) = 0;

  /// False if read() would have to wait for a pipe or a terminal; always true for a file.
  virtual bool ready() const = 0;

  /// Stored (compressed) bytes consumed so far; with stored_bytes() this gives the progress.
  virtual uint64_t consumed_bytes() const = 0;
};

/// Opens a file, or standard input for "-". zstd and gzip are recognised by their first bytes (so
/// also on standard input); what gzip itself reads is read: several members, zeros or other bytes
/// behind the last. A name ending in .zst or .gz, in any case, with other content is refused.
std::unique_ptr<ByteSource> open_byte_source(const std::string& path);

/// All of an input that fits in memory, decompressed, without a byte-order mark.
std::string read_input(const std::string& path);

/// "standard input" for "-", otherwise the path: how messages name an input.
std::string input_name(const std::string& path);

/// True for the files that operating systems leave in folders (.DS_Store, ._NAME, Thumbs.db,
/// desktop.ini, __MACOSX/..., ...), which FOLDER/* and archives bring along.
bool is_system_file(const std::string& path);
/// The inputs that are none of these, in their order; says on the log what was left out. Throws
/// RunError if nothing is left.
std::vector<std::string> without_system_files(std::vector<std::string> paths);

/// Size of a regular file as stored; 0 for standard input, pipes and the like (unknown). Throws
/// RunError if the input is missing, unreadable, empty or a folder. Call it for every input before
/// work starts, so that a bad last name does not cost hours.
uint64_t check_input(const std::string& path);

/// The file's name in lower case, .zst and .gz aside. Whoever looks at a name or its ending to see
/// what the file holds looks at this, so that it may be written in any case ("Reviews.CSV.GZ":
/// "reviews.csv").
std::string name_without_compression(const std::string& path);

}  // namespace linformer
