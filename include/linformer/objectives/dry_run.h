#pragma once

#include <string>

#include "linformer/config/pretrain_config.h"

namespace linformer {

/// The cost of a run, without writing anything: parameters and memory by component, tokens, epochs
/// over the corpus, hours (from a probe of a few micro-batches), and the schedule. Sets
/// config.model.vocab_size. Returns text for people, several lines.
std::string describe_run(PretrainConfig& config);

}  // namespace linformer
