#pragma once

#include <cstdint>
#include <functional>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/batch.h"
#include "linformer/train/objective.h"

namespace linformer {

/// The micro-batches of a session, numbered from 0: a pure function of the configuration, the start
/// and the number, so any thread may make any of them. Micro-batch i begins offset(i) sequences
/// after start.position (a process of several does every P-th one); its masking rate is that of the
/// step it belongs to. With training.overfit_one_batch they are those of the first step, again and
/// again. `source` has to outlive what is returned.
std::function<Batch(int64_t)> micro_batches_of(const PretrainConfig& config,
                                               const BatchSource& source, StreamStart start,
                                               std::function<int64_t(int64_t)> offset);

}  // namespace linformer
