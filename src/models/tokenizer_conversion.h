#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "output_folder.h"

#include "linformer/config/model_config.h"
#include "linformer/models/model_conversion.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// The tokenizer beside a model: tokenizer.model, else that of a Hugging Face RoBERTa. Nothing if
/// there is neither.
std::optional<Tokenizer> tokenizer_beside(const std::string& folder);

/// Copies the input's tokenizer. That of a Hugging Face RoBERTa becomes one file, tokenizer.model.
void take_tokenizer(const OutputFolder& output, const std::string& input, const ModelConfig& config,
                    ConversionNotes& notes);

/// Writes the files of transformers from tokenizer.model, which is what the programs here read. For
/// a byte-level BPE tokenizer.model itself goes: other programs take every file of that name for
/// SentencePiece's.
void spread_tokenizer(const OutputFolder& output, const ModelConfig& config,
                      ConversionNotes& notes);

/// True if a vocabulary of `pieces` filled up to a multiple of 8, 16, ... 1024 has `rows`, of which
/// most are pieces.
bool is_padded_vocabulary(int64_t rows, int64_t pieces);

}  // namespace linformer
