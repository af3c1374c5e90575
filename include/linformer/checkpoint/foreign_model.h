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

/// A model of another program, its tensors under this project's names (views into its files).
struct ForeignModel {
  StoredTensors files;
  ModelConfig config;
  HeadConfig head;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> their_names;  ///< by our name
  std::vector<std::string> notes;                  ///< what was left out, and why
  /// What names of tensors begin with that files of this kind do not have; "" if they have all.
  /// Who builds the model makes these tensors.
  std::string absent;
  std::optional<int64_t> mask_id;  ///< where config.json names it
};

/// Reads FOLDER/config.json and the tensors beside it.
///
///   hf       a RoBERTa folder of transformers, or one of ours; also a RobertaModel without
///   `roberta.`
///            in its names and without a head, norms with gamma and beta, and tied matrices under
///            either name. Copies of tied matrices and index buffers are left out after a check
///            that they say nothing new; so is the pooler.
///   fairseq  the official Linformer or RoBERTa under fairseq's names, with a config.json of sizes:
///            vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size,
///            max_positions, layer_norm_eps, norm_position, compressed_length (null = standard
///            attention), sharing. The bias of the shared compression, which the official code
///            never uses, is left out.
///
/// Names that it does not know stay as they are: who builds the model lists and refuses them.
/// Throws RunError.
ForeignModel read_foreign_model(ForeignFormat format, const std::string& folder);

}  // namespace linformer
