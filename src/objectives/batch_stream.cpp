#include "linformer/objectives/batch_stream.h"

namespace linformer {

std::function<Batch(int64_t)> micro_batches_of(const PretrainConfig& config,
                                               const BatchSource& source, StreamStart start,
                                               std::function<int64_t(int64_t)> offset) {
  const int64_t micro = config.training.micro_batch_size;
  const MaskingRate rate = config.masking_rate();
  const BatchSchedule schedule = config.batch_schedule();
  // The schedule's position of this session's first step. It differs from start.position only if
  // batch sizes were changed between sessions.
  const int64_t scheduled = schedule.first_sequence(start.step);
  const int64_t batch = config.training.global_batch_size;
  const bool one_batch = config.training.overfit_one_batch;
  return [=, &source](int64_t number) {
    const int64_t taken = offset(number);
    if (one_batch) return source.batch(taken % batch, micro, rate.first);
    const int64_t step = schedule.step_of(scheduled + taken);
    return source.batch(start.position + taken, micro, rate.at(step));
  };
}

}  // namespace linformer
