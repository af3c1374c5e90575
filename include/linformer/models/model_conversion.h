#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/checkpoint/foreign_model.h"
#include "linformer/config/model_config.h"

namespace linformer {

/// What a conversion did, a sentence each, for people.
using ConversionNotes = std::vector<std::string>;

/// Every function here reads model folders and writes a new one, whole or not at all: the output
/// folder must not exist, or be empty. Tokenizer files go along. Throws UsageError and RunError.

/// Converts a model of another program into a folder of this one; the numbers keep their type and
/// every bit. Missing, unknown and misshapen tensors are listed by name and refused.
ConversionNotes import_model(ForeignFormat format, const std::string& input,
                             const std::string& output);

/// A folder that transformers opens: a RoBERTa as it is, any other model with the Python module of
/// tools/hf beside it (`trust_remote_code=True`). The numbers keep every bit.
ConversionNotes export_model(const std::string& input, const std::string& output);

/// Converts a model with standard attention into one with `attention`. All its weights stay; E, F
/// (and a value convolution) are added as attention.init says, drawn with `seed`.
ConversionNotes linformerise_model(const std::string& input, const std::string& output,
                                   const AttentionConfig& attention, uint64_t seed);

enum class ExtendMethod { kInterpolate, kTile };

template <>
struct EnumNames<ExtendMethod> {
  static constexpr std::array<std::string_view, 2> kNames{"interpolate", "tile"};
};

/// The model for sequences of up to n' > n tokens.
///
///                interpolate                              tile
///   positions    stretched, linearly between rows         row p is row p mod n
///   E, F         columns stretched likewise, times        column j is column j mod n, so inputs
///                n / n': a row mixes the same share       of up to n tokens keep their output
///   kernels      taps stretched likewise, k stays         the same taps, k grows with n
///   pooling      wider windows, k stays                   the same windows, k grows with n
ConversionNotes extend_model(const std::string& input, const std::string& output,
                             int64_t max_sequence_length, ExtendMethod method);

/// The mean of the weights of models with one configuration and one tokenizer.
ConversionNotes average_models(const std::vector<std::string>& inputs, const std::string& output);

/// The averaged weights of a checkpoint of a run with training.ema_decay.
ConversionNotes export_averaged_weights(const std::string& input, const std::string& output);

}  // namespace linformer
