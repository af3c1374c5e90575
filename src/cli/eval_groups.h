#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "linformer/metrics/loss_groups.h"
#include "linformer/metrics/unigram_model.h"

namespace linformer {

/// The tables of the splits that `by` names, each once. `unigram` has the frequencies in the
/// training data; if it is null, those of the evaluated text are used.
std::vector<LossTable> loss_tables(const std::vector<std::string>& by, const LossGroups& groups,
                                   const UnigramModel* unigram);

/// {"KEY": [{"group": ..., "masked_tokens": ..., "share": ..., "nll_sum": ..., "loss": ...,
/// "perplexity": ..., "accuracy": ...}, ...], ...}; null if a group has no token.
nlohmann::ordered_json loss_tables_json(const std::vector<LossTable>& tables);

/// The same as tables on stdout, with an empty line before each.
void print_loss_tables(const std::vector<LossTable>& tables);

}  // namespace linformer
