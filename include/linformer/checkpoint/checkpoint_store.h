#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/trainer_config.h"

namespace linformer {

struct Checkpoint {
  int64_t step = 0;
  std::string folder;
};

/// The latest valid checkpoint below `checkpoints_folder`: the newest one whose manifest matches
/// its files. Logs a warning for each newer one that is broken, with the damaged file. Returns
/// nothing if there is no checkpoint. Throws RunError if all of them are broken, so that no run
/// starts over by mistake. Checkpoints after `max_step` are ignored.
std::optional<Checkpoint> newest_whole_checkpoint(const std::string& checkpoints_folder,
                                                  int64_t max_step = INT64_MAX);

/// Bytes of all files below a folder.
size_t bytes_below(const std::string& folder);

/// The checkpoints of one run: folders `step-00001000` and the relative links `latest` and `best`.
/// Where links cannot be made, they are files (core/mark_file.h), and a warning says so once. Only
/// one process at a time may write (the run folder's lock).
class CheckpointStore {
 public:
  /// Fills an empty folder with the files of a checkpoint.
  using Writer = std::function<void(const std::string& folder)>;

  /// The constructor reads and writes nothing.
  CheckpointStore(std::string checkpoints_folder, const CheckpointConfig& config);

  /// Creates the folder and removes the rest of an interrupted save(). Throws RunError if a mark
  /// could not be set later. Call once at the start.
  void prepare();

  /// Saves atomically. `write` fills a temporary folder, and its files are flushed to disk. The
  /// manifest is written last, the folder is renamed to step-%08d, and `latest` points to it.
  /// Checkpoints that the retention does not keep are removed. A checkpoint of this step is
  /// replaced. If saving fails (a full disk), the earlier checkpoints stay as they were, and no
  /// partial one remains. `expected_bytes` is first compared with the free space; 0 = the size of
  /// the newest checkpoint. Returns the folder.
  std::string save(int64_t step, const Writer& write, size_t expected_bytes = 0);

  /// Points `best` to the checkpoint of this step, which the retention then keeps (`keep_best`;
  /// does nothing if it is off). Throws RunError if there is no such checkpoint.
  void mark_best(int64_t step);

  /// Removes the checkpoints after this step, since a run that was rolled back will write others.
  void discard_after(int64_t step) const;

  /// newest_whole_checkpoint() of this store.
  std::optional<Checkpoint> newest_whole(int64_t max_step = INT64_MAX) const;
  /// The checkpoint that `best` points to, if any; not verified.
  std::optional<Checkpoint> best() const;
  /// The steps that have a folder, complete or not, ascending.
  std::vector<int64_t> steps() const;
  std::string folder_of(int64_t step) const;

 private:
  void set_mark(const std::string& name, int64_t step);
  void apply_retention(int64_t newest_step) const;
  void check_free_space(size_t expected_bytes) const;
  void remove_step(int64_t step) const;

  std::string folder_;
  CheckpointConfig config_;
  bool missing_links_said_ = false;
};

}  // namespace linformer
