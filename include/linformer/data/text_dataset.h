#pragma once

#include "linformer/data/token_dataset.h"
#include "linformer/text/corpus_encoder.h"

namespace linformer {

/// Reads and encodes text files into memory, as `linformer-data prepare` would into shards: for
/// held-out text of up to some hundred MB. Throws RunError for files that cannot be read.
TokenDataset encode_texts(const CorpusOptions& options, const Tokenizer& tokenizer);

}  // namespace linformer
