#include "linformer/train/batch_stream.h"

namespace linformer {

std::function<Batch(int64_t)> micro_batches_of(const PretrainConfig& config,
                                               const BatchSource& source, StreamStart start,
                                               std::function<int64_t(int64_t)> offset) {
  const int64_t micro = config.training.micro_batch_size;
  const MaskingRate rate = config.masking_rate();
  const BatchSchedule schedule = config.batch_schedule();
  // Where the schedule has this session's first step; elsewhere than start.position only if batch
  // sizes were changed between sessions.
  const int64_t scheduled = schedule.first_sequence(start.step);
  return [&source, start, micro, rate, schedule, scheduled, offset](int64_t number) {
    const int64_t taken = offset(number);
    const int64_t step = schedule.step_of(scheduled + taken);
    return source.batch(start.position + taken, micro, rate.at(step));
  };
}

}  // namespace linformer
