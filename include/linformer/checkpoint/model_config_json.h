#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "linformer/config/model_config.h"

namespace linformer {

/// config.json of a model folder: Hugging Face RoBERTa's keys, plus `norm_position`,
/// `position_init` and the `attention` block. max_position_embeddings = n + 2. model_type is
/// "roberta" for post-norm standard attention (transformers opens such a folder), else "linformer".
/// initializer_range is written as a number. vocab_size must be known (not 0).
std::string to_config_json(const ModelConfig& config, const HeadConfig& head = {});

/// Reads what to_config_json() or Hugging Face wrote. Throws RunError that names `source` and the
/// key for: text that is not JSON, missing sizes, values out of range or of the wrong type, and
/// features that this program does not support (another activation, token types, a decoder, other
/// special ids).
ModelConfig model_config_from_json(std::string_view text, const std::string& source);

/// The head that config.json describes by `architectures` (...ForMaskedLM or
/// ...ForSequenceClassification), else by problem_type and id2label. It is a masked-LM head if
/// config.json says nothing or names a model without a head. transformers leaves out labels with
/// the default names; they are LABEL_0, LABEL_1, ... Throws RunError for the same problems, and for
/// other heads.
HeadConfig head_config_from_json(std::string_view text, const std::string& source);

/// The first of config.json's `architectures`; "" if it names none.
std::string architecture_of(const nlohmann::json& config);

/// config.json's mask_token_id; nothing if it is missing.
std::optional<int64_t> mask_id_from_json(const nlohmann::json& config, const std::string& source);

/// Throws RunError if <mask> is not the last id.
void check_mask_id(std::optional<int64_t> mask_id, const ModelConfig& config,
                   const std::string& source);

/// FOLDER/config.json. Throws RunError also if its mask_token_id is not the last id.
ModelConfig load_model_config(const std::string& folder);
HeadConfig load_head_config(const std::string& folder);

}  // namespace linformer
