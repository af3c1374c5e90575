#pragma once

#include <cstdint>
#include <functional>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/batch.h"
#include "linformer/train/objective.h"

namespace linformer {

/// The micro-batches of a session, numbered from 0. They are a pure function of the configuration,
/// the start and the number, so any thread may make any of them. Micro-batch i begins offset(i)
/// sequences after start.position (with P processes, each computes every P-th one). Its masking
/// rate is that of the step it belongs to. With training.overfit_one_batch, the micro-batches of
/// the first step repeat. `source` has to outlive the returned function.
std::function<Batch(int64_t)> micro_batches_of(const PretrainConfig& config,
                                               const BatchSource& source, StreamStart start,
                                               std::function<int64_t(int64_t)> offset);

}  // namespace linformer
