#pragma once

#include <cstdint>
#include <future>

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/train/run_snapshot.h"

namespace linformer {

/// Writes checkpoints of a run on a thread of its own, one at a time: training stands still while
/// its state is copied, not while it goes to the disk. Memory is bounded by one copy; a save that
/// comes before the last one is written waits for it.
class CheckpointWriter {
 public:
  /// `store` has to outlive the writer, and is used by nobody else between save() and wait().
  /// Without `background` save() returns when all is on the disk.
  CheckpointWriter(CheckpointStore& store, bool background);
  /// Waits; an error that nobody asked for is logged.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Hands a snapshot over; `is_best` lets the link `best` point to it. Throws what went wrong with
  /// the save before this one, which is then lost; this one has not begun.
  void save(RunSnapshot snapshot, bool is_best);

  /// Waits until everything is on the disk. Throws what went wrong (RunError).
  void wait();

  /// Like wait(), but only where that takes no time.
  void poll();

  /// Seconds that the last finished save took from its hand-over to the disk.
  double last_write_seconds() const { return last_write_seconds_; }

 private:
  CheckpointStore& store_;
  bool background_;
  double last_write_seconds_ = 0.0;
  std::future<double> pending_;  // last: its thread uses what is above
};

}  // namespace linformer
