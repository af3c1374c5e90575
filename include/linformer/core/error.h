#pragma once

#include <stdexcept>
#include <string>

namespace linformer {

/// An error that the user can fix: it says where, what, and how to fix it. Caught once, in `cli`.
///
/// `what()` reads "WHERE: WHAT\n  fix: FIX".
class Error : public std::runtime_error {
 public:
  Error(const std::string& where, const std::string& what, const std::string& fix, int exit_code);

  /// Exit code of the program that this error ends: 1 failed at run time, 2 wrong usage.
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// The command line or the configuration is wrong (exit code 2).
class UsageError : public Error {
 public:
  UsageError(const std::string& where, const std::string& what, const std::string& fix)
      : Error(where, what, fix, 2) {}
};

/// Something failed while running: a file, a disk, a loss that is not finite (exit code 1).
class RunError : public Error {
 public:
  RunError(const std::string& where, const std::string& what, const std::string& fix)
      : Error(where, what, fix, 1) {}
};

/// Throws UsageError.
[[noreturn]] void fail_usage(const std::string& where, const std::string& what,
                             const std::string& fix);

/// Throws RunError.
[[noreturn]] void fail_run(const std::string& where, const std::string& what,
                           const std::string& fix);

/// Throws RunError for a failed system call on `path`: `what` plus the text of `error_number`
/// (errno), with a fix that fits it (full disk, missing permission, no such file, ...).
[[noreturn]] void fail_system(const std::string& path, const std::string& what, int error_number);

}  // namespace linformer
