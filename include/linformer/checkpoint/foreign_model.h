#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "linformer/checkpoint/stored_tensors.h"
#include "linformer/config/model_config.h"

namespace linformer {

enum class ForeignFormat { kHuggingFace, kFairseq };

template <>
struct EnumNames<ForeignFormat> {
  static constexpr std::array<std::string_view, 2> kNames{"hf", "fairseq"};
};

/// A model of another program. Its tensors have this project's names and are views of its files.
struct ForeignModel {
  StoredTensors files;
  ModelConfig config;
  HeadConfig head;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> their_names;  ///< their name for each of our names
  std::vector<std::string> notes;                  ///< what was left out, and why
  /// The prefix of tensor names that files of this kind do not have; "" if they have all. The
  /// caller that builds the model creates these tensors.
  std::string absent;
  std::optional<int64_t> mask_id;  ///< if config.json names it
};

/// Reads FOLDER/config.json and the tensors beside it.
///
///   hf       a RoBERTa folder of transformers, or one of this project. Also accepted: a
///            RobertaModel without `roberta.` in its names and without a head, norms with gamma
///            and beta, and tied matrices under either name. Copies of tied matrices and index
///            buffers are left out after a check that they are redundant. The pooler is left out.
///   fairseq  the official Linformer or RoBERTa under fairseq's names, with a config.json of sizes:
///            vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size,
///            max_positions, layer_norm_eps, norm_position, compressed_length (null = standard
///            attention), sharing. The bias of the shared compression is left out, since the
///            official code never uses it.
///
/// Unknown names stay unchanged; the caller that builds the model lists and refuses them. Throws
/// RunError.
ForeignModel read_foreign_model(ForeignFormat format, const std::string& folder);

}  // namespace linformer
