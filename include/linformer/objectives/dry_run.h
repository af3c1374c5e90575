#pragma once

#include <string>

#include "linformer/config/pretrain_config.h"

namespace linformer {

/// What a run would cost, without writing anything: parameters and memory by component, tokens,
/// epochs over the corpus, hours from a probe of a few micro-batches, the schedule. Sets
/// config.model.vocab_size. Text for people, several lines.
std::string describe_run(PretrainConfig& config);

}  // namespace linformer
