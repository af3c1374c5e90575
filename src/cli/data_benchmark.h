#pragma once

#include "linformer/text/corpus_encoder.h"

namespace linformer {

/// Measures two speeds in alternation in one run, on the first `megabytes` of the inputs' text:
/// SentencePiece's own encoder on sentences that are already split (one thread), and the whole
/// `prepare` (reading, splitting, encoding, writing shards to a temporary folder) with
/// options.threads threads. Prints both and "efficiency" = prepare / (SentencePiece x threads).
void run_encode_benchmark(const CorpusOptions& options, const Tokenizer& tokenizer,
                          double megabytes, bool json);

}  // namespace linformer
