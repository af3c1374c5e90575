#pragma once

#include <cstdint>
#include <future>

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/train/run_snapshot.h"

namespace linformer {

/// Writes checkpoints of a run on a thread of its own, one at a time. Training stops while its
/// state is copied, but not while the copy is written to disk. Memory is bounded by one copy: a
/// save waits until the previous one is written.
class CheckpointWriter {
 public:
  /// `store` has to outlive the writer. Nobody else may use it between save() and wait(). Without
  /// `background`, save() returns when everything is on the disk.
  CheckpointWriter(CheckpointStore& store, bool background);
  /// Waits; logs an error that nobody has asked for.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Hands over a snapshot; `is_best` makes the link `best` point to it. Throws the error of the
  /// previous save, which is then lost; the new save has not begun.
  void save(RunSnapshot snapshot, bool is_best);

  /// Waits until everything is on the disk. Throws RunError if writing failed.
  void wait();

  /// Like wait(), but only if nothing has to be waited for.
  void poll();

  /// Seconds from hand-over to disk of the last finished save.
  double last_write_seconds() const { return last_write_seconds_; }

 private:
  CheckpointStore& store_;
  bool background_;
  double last_write_seconds_ = 0.0;
  std::future<double> pending_;  // last: its thread uses what is above
};

}  // namespace linformer
