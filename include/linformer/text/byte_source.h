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

  /// Fills up to `size` bytes and returns how many; 0 only at the end. Throws RunError that names
  /// the file if it cannot be read, is damaged, or is a compressed stream that is cut short.
  virtual size_t read(char* data, size_t size) = 0;

  /// False if read() would have to wait for a pipe or a terminal; always true for a file.
  virtual bool ready() const = 0;

  /// Stored (compressed) bytes consumed so far; the progress is their share of stored_bytes().
  virtual uint64_t consumed_bytes() const = 0;
};

/// Opens a file, or standard input for "-". zstd and gzip are recognised by their first bytes, also
/// on standard input. Of gzip, everything is read that gzip itself reads: several members, with
/// zeros or other bytes after the last one. A file whose name ends in .zst or .gz, in any case, is
/// refused if its content is of another kind.
std::unique_ptr<ByteSource> open_byte_source(const std::string& path);

/// The whole content of an input that fits into memory, decompressed, without a byte-order mark.
std::string read_input(const std::string& path);

/// How messages name an input: "standard input" for "-", otherwise the path.
std::string input_name(const std::string& path);

/// True for files that operating systems leave in folders (.DS_Store, ._NAME, Thumbs.db,
/// desktop.ini, __MACOSX/..., ...). FOLDER/* and archives include them.
bool is_system_file(const std::string& path);
/// The inputs without these files, in their order; logs what was left out. Throws RunError if
/// nothing is left.
std::vector<std::string> without_system_files(std::vector<std::string> paths);

/// Size of a regular file as stored; 0 for standard input, pipes and the like (unknown). Throws
/// UsageError if the input is missing or a folder, and RunError if it is unreadable or empty. Call
/// it for every input before work starts, so that a wrong last name does not waste hours.
uint64_t check_input(const std::string& path);

/// The file's name in lower case, without .zst and .gz ("Reviews.CSV.GZ": "reviews.csv"). Code that
/// recognises a file's content by its name or ending uses this, so that names may be written in any
/// case.
std::string name_without_compression(const std::string& path);

}  // namespace linformer
