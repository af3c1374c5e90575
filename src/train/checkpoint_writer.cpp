#include "linformer/train/checkpoint_writer.h"

#include <chrono>
#include <exception>
#include <memory>

#include "linformer/core/clock.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

/// Room for headers, JSON and the tokenizer beside the tensors.
constexpr size_t kSmallFilesBytes = 4 << 20;

double write(CheckpointStore& store, const RunSnapshot& snapshot, bool is_best) {
  const double start = steady_seconds();
  store.save(
      snapshot.state.step, [&](const std::string& folder) { write_snapshot(folder, snapshot); },
      snapshot.tensor_bytes() + kSmallFilesBytes);
  if (is_best) store.mark_best(snapshot.state.step);
  return steady_seconds() - start;
}

}  // namespace

CheckpointWriter::CheckpointWriter(CheckpointStore& store, bool background)
    : store_(store), background_(background) {}

CheckpointWriter::~CheckpointWriter() {
  try {
    wait();
  } catch (const std::exception& error) {
    log_error(std::string("the last checkpoint was not written: ") + error.what());
  }
}

void CheckpointWriter::save(RunSnapshot snapshot, bool is_best) {
  wait();
  auto owned = std::make_shared<const RunSnapshot>(std::move(snapshot));
  pending_ = std::async(std::launch::async, [this, owned = std::move(owned), is_best]() mutable {
    const double seconds = write(store_, *owned, is_best);
    owned.reset();  // frees the memory before the completion becomes visible
    return seconds;
  });
  if (!background_) wait();
}

void CheckpointWriter::wait() {
  if (pending_.valid()) last_write_seconds_ = pending_.get();
}

void CheckpointWriter::poll() {
  if (!pending_.valid()) return;
  if (pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) wait();
}

}  // namespace linformer
