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

/// The newest checkpoint below `checkpoints_folder` whose manifest holds; logs a warning for each
/// newer one that is broken, with the file at fault. Nothing if there is none at all; RunError if
/// there are some and all are broken, so that no run starts over by mistake. Only checkpoints of
/// `max_step` and before count.
std::optional<Checkpoint> newest_whole_checkpoint(const std::string& checkpoints_folder,
                                                  int64_t max_step = INT64_MAX);

/// Bytes of all files below a folder.
size_t bytes_below(const std::string& folder);

/// The checkpoints of one run: `step-00001000` folders and the relative links `latest` and `best`
/// (files, see core/mark_file.h, where links cannot be made; a warning says so, once). One process
/// at a time may write (the run folder's lock).
class CheckpointStore {
 public:
  /// Fills an empty folder with the files of a checkpoint.
  using Writer = std::function<void(const std::string& folder)>;

  /// Nothing is read or written before the first call.
  CheckpointStore(std::string checkpoints_folder, const CheckpointConfig& config);

  /// Creates the folder and removes what an interrupted save() left. Throws RunError where a mark
  /// could not be set later. Call once at the start.
  void prepare();

  /// Saves atomically: `write` fills a temporary folder; its files are brought to the disk, the
  /// manifest is written last, the folder is renamed to step-%08d, `latest` points to it, and
  /// checkpoints that the retention does not keep are removed. A checkpoint of this step is
  /// replaced. Where it fails (a full disk) what was there before stays as it was, and nothing
  /// half written remains. `expected_bytes` is checked against the free space first; 0 = as much
  /// as the newest checkpoint takes. Returns the folder.
  std::string save(int64_t step, const Writer& write, size_t expected_bytes = 0);

  /// Points `best` to the checkpoint of this step, which retention then keeps (`keep_best`; does
  /// nothing where it is off). Throws RunError if there is no such checkpoint.
  void mark_best(int64_t step);

  /// Removes the checkpoints after this step: a run that rolled back will write others.
  void discard_after(int64_t step) const;

  /// newest_whole_checkpoint() of this store.
  std::optional<Checkpoint> newest_whole(int64_t max_step = INT64_MAX) const;
  /// The checkpoint `best` points to, if any; not verified.
  std::optional<Checkpoint> best() const;
  /// Steps that have a folder (whole or not), ascending.
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
