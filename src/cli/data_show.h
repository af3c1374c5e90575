#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "linformer/data/mlm_masker.h"
#include "linformer/data/packing.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// A masked sequence as text for people. Each predicted token stands in brackets as [original >
/// shown]; "shown" is <mask>, another token, or "same".
std::string show_masked(const Tokenizer& tokenizer, std::span<const int32_t> original,
                        const MaskedSequence& masked);

/// "documents 3 to 5, sentences 40 to 61, 510 tokens, 76 predicted".
std::string show_source(const SequenceSource& source, const MaskedSequence& masked);

/// {"epoch", "sequence", "documents", "input_ids", "labels", "text"}. input_ids and labels (-100
/// where nothing is predicted) have the form that `linformer-eval perplexity --examples` reads.
nlohmann::ordered_json masked_to_json(const Tokenizer& tokenizer, SampleId sample,
                                      const SequenceSource& source,
                                      std::span<const int32_t> original,
                                      const MaskedSequence& masked);

}  // namespace linformer
