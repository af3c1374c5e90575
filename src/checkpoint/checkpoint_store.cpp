#include "linformer/checkpoint/checkpoint_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "linformer/checkpoint/manifest.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStepPrefix = "step-";
constexpr const char* kTemporaryPrefix = ".tmp-";

std::string step_name(int64_t step) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "step-%08lld", static_cast<long long>(step));
  return text.data();
}

std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kStepPrefix)) return std::nullopt;
  name.remove_prefix(kStepPrefix.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

std::vector<int64_t> steps_in(const std::string& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto step = step_of(entry.path().filename().string());
    if (step && entry.is_directory() && !entry.is_symlink()) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) log_warning(path + ": cannot remove it: " + error.message());
}

/// The step that a mark (latest, best) names: a link or, where the file system has none, a file.
std::optional<int64_t> marked_step(const std::string& mark) {
  std::error_code error;
  const fs::path target = fs::read_symlink(mark, error);
  return step_of((error ? fs::path(follow_marks(mark)) : target).filename().string());
}

/// A folder that the destructor removes unless it was moved away.
class TemporaryFolderGuard {
 public:
  explicit TemporaryFolderGuard(std::string path) : path_(std::move(path)) {
    remove_folder(path_);
    make_directories(path_);
  }
  ~TemporaryFolderGuard() {
    std::error_code ignored;
    if (fs::exists(path_, ignored)) remove_folder(path_);
  }
  TemporaryFolderGuard(const TemporaryFolderGuard&) = delete;
  TemporaryFolderGuard& operator=(const TemporaryFolderGuard&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Exchanges `source` and `target`; if there was no `target`, only renames. It is one operation if
/// the file system can exchange names, else two.
void move_into_place(const std::string& source, const std::string& target) {
  if (!fs::exists(target)) {
    if (::rename(source.c_str(), target.c_str()) == 0) return;
    fail_system(target, "cannot move the finished checkpoint into place", errno);
  }
  if (::renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  const std::string aside = source + "-old";
  if (::rename(target.c_str(), aside.c_str()) != 0) {
    fail_system(target, "cannot move the old checkpoint aside", errno);
  }
  if (::rename(source.c_str(), target.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), target.c_str());
    fail_system(target, "cannot move the finished checkpoint into place", error);
  }
  ::rename(aside.c_str(), source.c_str());
}

}  // namespace

size_t bytes_below(const std::string& folder) {
  size_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

std::optional<Checkpoint> newest_whole_checkpoint(const std::string& checkpoints_folder,
                                                  int64_t max_step) {
  std::vector<int64_t> steps = steps_in(checkpoints_folder);
  std::erase_if(steps, [&](int64_t step) { return step > max_step; });
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const std::string folder = checkpoints_folder + "/" + step_name(*step);
    const auto damage = find_damage(folder);
    if (!damage) return Checkpoint{*step, folder};
    log_warning(folder + ": " + *damage + "; falling back to an older checkpoint");
  }
  if (steps.empty()) return std::nullopt;
  fail_run(checkpoints_folder,
           "none of its " + std::to_string(steps.size()) + " checkpoints is valid",
           "restore one from a copy, or move the folder away to start over");
}

CheckpointStore::CheckpointStore(std::string checkpoints_folder, const CheckpointConfig& config)
    : folder_(std::move(checkpoints_folder)), config_(config) {}

void CheckpointStore::prepare() {
  make_directories(folder_);
  std::vector<std::string> stale;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with(kTemporaryPrefix)) {
      stale.push_back(entry.path().string());
    }
  }
  for (const std::string& path : stale) {
    log_info(path + ": removing what an interrupted save left");
    remove_folder(path);
  }
  for (const char* name : {"latest", "best"}) {
    const fs::path mark = fs::path(folder_) / name;
    if (fs::is_symlink(mark) || !fs::is_directory(mark)) continue;
    fail_run(mark.string(), "is a folder, not a link: copied from elsewhere with links followed?",
             "remove it; the checkpoints are in the folders step-*");
  }
}

std::string CheckpointStore::save(int64_t step, const Writer& write, size_t expected_bytes) {
  make_directories(folder_);
  check_free_space(expected_bytes);
  const TemporaryFolderGuard temporary(folder_ + "/" + kTemporaryPrefix + step_name(step) + "-" +
                                       std::to_string(::getpid()));
  try {
    write(temporary.path());
    write_manifest(temporary.path());
  } catch (const fs::filesystem_error& error) {
    const std::string path = error.path1().empty() ? temporary.path() : error.path1().string();
    fail_system(path, "cannot write the checkpoint", error.code().value());
  }
  const std::string target = folder_of(step);
  move_into_place(temporary.path(), target);
  sync_directory(folder_);
  set_mark("latest", step);
  apply_retention(step);
  return target;
}

void CheckpointStore::mark_best(int64_t step) {
  if (!config_.keep_best) return;
  if (!fs::is_directory(folder_of(step))) {
    fail_run(folder_of(step), "there is no such checkpoint", "save it before marking it as best");
  }
  set_mark("best", step);
}

std::optional<Checkpoint> CheckpointStore::newest_whole(int64_t max_step) const {
  return newest_whole_checkpoint(folder_, max_step);
}

void CheckpointStore::discard_after(int64_t step) const {
  for (const int64_t later : steps()) {
    if (later > step) remove_step(later);
  }
}

std::optional<Checkpoint> CheckpointStore::best() const {
  const auto step = marked_step(folder_ + "/best");
  if (!step || !fs::is_directory(folder_of(*step))) return std::nullopt;
  return Checkpoint{*step, folder_of(*step)};
}

std::vector<int64_t> CheckpointStore::steps() const {
  return steps_in(folder_);
}

std::string CheckpointStore::folder_of(int64_t step) const {
  return folder_ + "/" + step_name(step);
}

void CheckpointStore::set_mark(const std::string& name, int64_t step) {
  const std::string mark = folder_ + "/" + name;
  const std::string temporary =
      folder_ + "/" + kTemporaryPrefix + name + "-" + std::to_string(::getpid());
  ::unlink(temporary.c_str());
  if (::symlink(step_name(step).c_str(), temporary.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    // Other problems (a full disk, a missing permission) prevent the file as well and are reported.
    write_file_atomically(temporary, step_name(step) + "\n");
    if (!missing_links_said_) {
      log_warning(folder_ + ": no symbolic links here (" + reason +
                  "); latest and best are small files that name a checkpoint, which the programs "
                  "follow as they do links");
    }
    missing_links_said_ = true;
  }
  if (::rename(temporary.c_str(), mark.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail_system(mark, "cannot replace the link", error);
  }
  sync_directory(folder_);
}

void CheckpointStore::apply_retention(int64_t newest_step) const {
  const std::optional<Checkpoint> best_checkpoint = best();
  int64_t kept = 0;
  const std::vector<int64_t> all = steps();
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    // Later checkpoints are broken ones that a resumed run skipped; it will replace them.
    if (*step > newest_step) continue;
    const bool recent = kept++ < config_.keep_last;
    const bool milestone = config_.keep_every > 0 && *step % config_.keep_every == 0;
    const bool is_best = config_.keep_best && best_checkpoint && best_checkpoint->step == *step;
    if (recent || milestone || is_best) continue;
    remove_step(*step);
  }
}

void CheckpointStore::remove_step(int64_t step) const {
  // Renamed first, so that a kill in between leaves no partial checkpoint under its name.
  const std::string doomed = folder_ + "/" + kTemporaryPrefix + "old-" + step_name(step);
  std::error_code error;
  fs::rename(folder_of(step), doomed, error);
  remove_folder(error ? folder_of(step) : doomed);
}

void CheckpointStore::check_free_space(size_t expected_bytes) const {
  if (expected_bytes == 0) {
    const std::vector<int64_t> all = steps();
    if (!all.empty()) expected_bytes = bytes_below(folder_of(all.back()));
  }
  const size_t free_bytes = free_disk_bytes(folder_);
  if (free_bytes >= expected_bytes) return;
  fail_run(folder_,
           "the disk has " + format_bytes(static_cast<double>(free_bytes)) +
               " left, the checkpoint takes " + format_bytes(static_cast<double>(expected_bytes)),
           "free some space, or lower checkpoint.keep_last; earlier checkpoints are intact");
}

}  // namespace linformer
