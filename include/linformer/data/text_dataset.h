#pragma once

#include <vector>

#include "linformer/data/token_dataset.h"
#include "linformer/text/corpus_encoder.h"

namespace linformer {

struct TextDataset {
  TokenDataset dataset;
  std::vector<TextLayout> layouts;  ///< of each input
  CorpusCounts counts;
};

/// Reads and encodes text files into memory, as `linformer-data prepare` would into shards. For
/// held-out text of up to some hundred MB. Throws RunError for files that cannot be read.
TextDataset encode_texts(const CorpusOptions& options, const Tokenizer& tokenizer);

}  // namespace linformer
