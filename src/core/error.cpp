#include "linformer/core/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "linformer/core/atomic_file.h"
#include "linformer/core/format.h"
#include "linformer/core/missing_path.h"

namespace linformer {

namespace {

std::string disk_full_fix(const std::string& path) {
  std::string left;
  try {
    left = " (" + format_bytes(static_cast<double>(free_disk_bytes(path))) + " left)";
  } catch (const Error&) {
    // The hint is optional; the user has to see the disk's own error.
  }
  return "free space on that file system" + left + " or choose a folder on another one";
}

/// Where a relative path was looked for.
std::string where_it_begins(const std::string& path) {
  std::error_code error;
  const auto folder = std::filesystem::current_path(error);
  if (path.starts_with('/') || error) return "";
  return "; the path begins at the current folder, " + folder.string();
}

/// What the user can do about errno `error_number` on `path`.
std::string fix_for(const std::string& path, int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      return "give this user the permission (ls -l " + path + "), or choose another path";
    case EROFS:
      return "the file system is mounted read-only; choose another path";
    case EISDIR:
      return "this is a folder; name a file";
    case ENOTDIR:
      return "a part of the path is a file, not a folder; choose another path";
    case EEXIST:
      return "remove it or choose another name";
    case ENOTEMPTY:
      return "empty the folder or choose another name";
    case ENOSPC:
      return disk_full_fix(path);
    case EDQUOT:
      return "your disk quota is used up; free space or choose another file system";
    case EFBIG:
      return "the file grew past a limit; raise it (ulimit -f) or choose another file system";
    case EMFILE:
    case ENFILE:
      return "too many files are open; raise the limit (ulimit -n)";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case ELOOP:
      return "the path runs through symbolic links that form a circle; remove one of them";
    case ENOMEM:
      return "free memory, or use a machine with more";
    case EIO:
      return "the disk reported a fault; check it (dmesg) and use another one";
    case EBUSY:
    case ETXTBSY:
      return "another program uses it; wait for it or choose another path";
    case ESTALE:
      return "the network file system lost the file; mount it again and repeat";
    default:
      return "check the path and its file system, then repeat";
  }
}

}  // namespace

Error::Error(const std::string& where, const std::string& what, const std::string& fix,
             int exit_code)
    : std::runtime_error(where + ": " + what + "\n  fix: " + fix), exit_code_(exit_code) {}

void fail_usage(const std::string& where, const std::string& what, const std::string& fix) {
  throw UsageError(where, what, fix);
}

void fail_run(const std::string& where, const std::string& what, const std::string& fix) {
  throw RunError(where, what, fix);
}

void fail_missing(const std::string& path, const std::string& what, const std::string& fix) {
  throw UsageError(path, what, fix + where_it_begins(path));
}

void fail_system(const std::string& path, const std::string& what, int error_number) {
  if (error_number == ENOENT) {
    // A file that the program itself expects: the user may have named none of it.
    fail_run(path, what + ": " + std::strerror(error_number),
             "check the spelling of the path; a folder in it has to exist" + where_it_begins(path));
  }
  throw RunError(path, what + ": " + std::strerror(error_number), fix_for(path, error_number));
}

}  // namespace linformer
