#include "linformer/checkpoint/model_config_json.h"

#include <nlohmann/json.hpp>

#include "strict_json.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/json_text.h"
#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr const char* kFix = "take a RoBERTa or Linformer model folder with a whole config.json";

// false: token_type_embeddings has a single row of zeros, which is there for transformers.
constexpr const char* kSegments = "segment_embeddings";

// The name in transformers' ModernBERT; absent: cls.
constexpr const char* kPooling = "classifier_pooling";

constexpr int64_t kMostLabels =
    1'000'000;  // limits num_labels, before memory is allocated for the labels

/// Writes a field list as a JSON object.
struct JsonWriter {
  Json operator()(const EnumTarget& target) const {
    return std::string(target.names[target.get()]);
  }
  Json operator()(const FieldList& fields) const {
    Json json = Json::object();
    for (const Field& field : fields) json[field.name] = std::visit(*this, field.target);
    return json;
  }
  Json operator()(const EnumListTarget& target) const {
    Json list = Json::array();
    for (const size_t index : target.get()) list.push_back(std::string(target.names[index]));
    return list.size() == 1 ? list.front() : list;
  }
  Json operator()(NestedNumbers* value) const {
    Json layers = Json::array();
    for (const OneOrMany<int64_t>& layer : value->values()) {
      layers.push_back(layer.is_list() ? Json(layer.values()) : Json(layer.values().front()));
    }
    return layers.size() == 1 && layers.front().is_number() ? layers.front() : layers;
  }
  template <class T>
  Json operator()(const OptionalTarget<T>& target) const {
    return target.value->has_value() ? Json(**target.value) : Json(nullptr);
  }
  template <class T>
  Json operator()(T* value) const {
    return *value;
  }
};

/// Refuses a key whose value asks for an unsupported feature; absent and null are allowed.
void require_value(const Json& json, const char* key, const Json& expected,
                   const std::string& source) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null() || *found == expected) return;
  fail_run(source, std::string(key) + " " + found->dump() + " is not supported",
           "only " + expected.dump() + " is");
}

const Json& require_key(const Json& json, const char* key, const std::string& source) {
  const auto found = json.find(key);
  if (found == json.end()) fail_run(source, std::string("has no ") + key, kFix);
  return *found;
}

/// Whether the description is one of a fairseq model.
bool names_fairseq(const Json& json) {
  const Json type = json.value("model_type", Json());
  return type.is_string() && type.get<std::string>().starts_with("fairseq");
}

void check_features(const Json& json, const std::string& source) {
  const auto type = json.find("model_type");
  if (type == json.end() || (*type != "roberta" && *type != "linformer")) {
    fail_run(source,
             "model_type " + (type == json.end() ? std::string("is missing") : type->dump()) +
                 ", expected roberta or linformer",
             names_fairseq(json) ? "import it with --from fairseq" : kFix);
  }
  require_value(json, "bos_token_id", kBosId, source);
  require_value(json, "pad_token_id", kPadId, source);
  require_value(json, "eos_token_id", kEosId, source);
  require_value(json, "is_decoder", false, source);
  require_value(json, "add_cross_attention", false, source);
  require_value(json, "position_embedding_type", "absolute", source);
}

/// The keys of ModelConfig, renamed where Hugging Face's differ. JSON is YAML, so the
/// configuration's reader then checks names and types.
Json select_keys(const Json& json, const std::string& source) {
  Json selected;
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                          "intermediate_size", "layer_norm_eps"}) {
    selected[key] = require_key(json, key, source);
  }
  for (const char* key : {"hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob",
                          "initializer_range", "tie_word_embeddings", "norm_position", "norm_type",
                          "position_embedding", "position_init", "type_vocab_size"}) {
    if (json.contains(key)) selected[key] = json[key];
  }
  // Other names of the tanh form of GELU.
  const Json act = selected.value("hidden_act", Json("gelu"));
  if (act == "gelu_pytorch_tanh" || act == "gelu_fast") selected["hidden_act"] = "gelu_new";
  if (json.contains(kSegments) && json[kSegments] == false) {
    require_value(json, "type_vocab_size", 1, source);  // the single row of zeros
    selected["type_vocab_size"] = 0;
  }
  const Json& rows = require_key(json, "max_position_embeddings", source);
  if (!rows.is_number_integer() || rows.get<int64_t>() < 3) {
    fail_run(source, "max_position_embeddings " + rows.dump() + " is not a number of positions",
             kFix);
  }
  selected["max_sequence_length"] = rows.get<int64_t>() - 2;
  selected["attention"] =
      json.contains("attention") ? json["attention"] : Json{{"type", "standard"}};
  return selected;
}

/// Labels of the outputs; a regression has one output without a label.
void write_labels(const HeadConfig& head, Json& json) {
  const bool regression = head.type == HeadType::kRegression;
  json["problem_type"] = regression ? "regression" : "single_label_classification";
  const std::vector<std::string> labels =
      regression ? std::vector<std::string>{"LABEL_0"} : head.labels;
  for (size_t i = 0; i < labels.size(); ++i) {
    json["id2label"][std::to_string(i)] = labels[i];
    json["label2id"][labels[i]] = i;
  }
}

/// Whether config.json describes a classification or regression.
bool has_classifier(const Json& json, const std::string& source) {
  const std::string architecture = architecture_of(json);
  if (architecture.empty()) {
    return json.contains("id2label") || !json.value("problem_type", Json()).is_null();
  }
  if (architecture.ends_with("ForSequenceClassification")) return true;
  if (architecture.ends_with("ForMaskedLM") || architecture.ends_with("Model")) return false;
  fail_run(source, "the head of " + architecture + " is not here",
           "take a model for masked LM or sequence classification, or without a head "
           "(RobertaModel)");
}

/// transformers leaves out id2label for LABEL_0, LABEL_1, ..., and assumes two labels if no number
/// is given.
std::vector<std::string> default_labels(const Json& json, const std::string& source) {
  const Json count = json.value("num_labels", Json(2));
  if (!count.is_number_integer() || count.get<int64_t>() < 1 ||
      count.get<int64_t>() > kMostLabels) {
    fail_run(source, "num_labels " + count.dump() + " is not a number of labels", kFix);
  }
  std::vector<std::string> labels;
  for (int64_t i = 0; i < count.get<int64_t>(); ++i) labels.push_back("LABEL_" + std::to_string(i));
  return labels;
}

std::vector<std::string> read_labels(const Json& json, const std::string& source) {
  const Json names = json.value("id2label", Json());
  if (names.is_null()) return default_labels(json, source);
  if (!names.is_object() || names.empty())
    fail_run(source, "id2label is not a table of labels", kFix);
  std::vector<std::string> labels;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string number = std::to_string(i);
    const auto label = names.find(number);
    if (label == names.end()) {
      fail_run(source, "id2label has no label \"" + number + "\"",
               "number the labels from 0 without a gap");
    }
    if (!label->is_string() && !label->is_number_integer()) {
      fail_run(source, "id2label names label \"" + number + "\" " + label->dump() + ", not a text",
               "write its name in double quotes, e.g. \"" + number + "\": \"negative\"");
    }
    // A label that is a whole number is named by its digits, as transformers prints it.
    labels.push_back(label->is_string() ? label->get<std::string>() : label->dump());
  }
  return labels;
}

ClassifierPooling read_pooling(const Json& json, const std::string& source) {
  const Json pooling = json.value(kPooling, Json());
  if (pooling.is_null()) return ClassifierPooling::kCls;
  const auto known =
      pooling.is_string() ? enum_of<ClassifierPooling>(pooling.get<std::string>()) : std::nullopt;
  if (!known) {
    fail_run(source, std::string(kPooling) + " " + pooling.dump() + " is not supported",
             "cls, mean and pair_mean are");
  }
  return *known;
}

}  // namespace

void check_mask_id(std::optional<int64_t> mask_id, const ModelConfig& config,
                   const std::string& source) {
  if (!mask_id || *mask_id == config.vocab_size - 1) return;
  fail_run(source,
           "mask_token_id is " + std::to_string(*mask_id) + ", and <mask> is the last id here, " +
               std::to_string(config.vocab_size - 1),
           "linformer-convert import removes rows after <mask> only if they fill the vocabulary "
           "up to a multiple of 8, 16, ... or 1024; else move the row of <mask> to the end of "
           "the word embeddings, of lm_head.bias and of the tokenizer, or remove mask_token_id "
           "to give the model input_ids without <mask>");
}

std::string to_config_json(const ModelConfig& config, const HeadConfig& head) {
  ModelConfig copy = config;
  copy.initializer_range = config.resolved_initializer_range();
  const FieldList fields = fields_of(copy);
  Json json = JsonWriter{}(fields);
  json.erase("max_sequence_length");
  json["max_position_embeddings"] = config.num_position_rows();
  const bool plain = config.is_plain_roberta();
  const bool roberta = plain && head.pooling == ClassifierPooling::kCls;
  json["model_type"] = roberta ? "roberta" : "linformer";
  const bool masked_lm = head.type == HeadType::kMaskedLm;
  json["architectures"] = {std::string(roberta ? "Roberta" : "Linformer") +
                           (masked_lm ? "ForMaskedLM" : "ForSequenceClassification")};
  if (!masked_lm) write_labels(head, json);
  if (head.pooling != ClassifierPooling::kCls) json[kPooling] = name_of(head.pooling);
  json["bos_token_id"] = kBosId;
  json["pad_token_id"] = kPadId;
  json["eos_token_id"] = kEosId;
  json["mask_token_id"] = config.vocab_size - 1;
  if (plain && config.type_vocab_size == 0) {
    json["type_vocab_size"] = 1;
    json[kSegments] = false;
  }
  return json.dump(2) + "\n";
}

ModelConfig model_config_from_json(std::string_view text, const std::string& source) {
  const Json json = parse_strict_json(text, source);
  if (!json.is_object()) fail_run(source, "is not a JSON object", kFix);
  check_features(json, source);
  ModelConfig config;
  try {
    read_yaml_fragment(fields_of(config), select_keys(json, source).dump(), source);
    config.validate();
  } catch (const UsageError& error) {
    fail_in_file(source, error);
  }
  if (config.vocab_size == 0) fail_run(source, "vocab_size is 0", kFix);
  if (json["model_type"] == "roberta" && !config.is_plain_roberta()) {
    fail_run(source, "model_type roberta contradicts its attention or norm_position", kFix);
  }
  return config;
}

HeadConfig head_config_from_json(std::string_view text, const std::string& source) {
  const Json json = parse_strict_json(text, source);
  if (!json.is_object()) fail_run(source, "is not a JSON object", kFix);
  HeadConfig head;
  if (!has_classifier(json, source)) return head;
  const std::vector<std::string> labels = read_labels(json, source);
  head.pooling = read_pooling(json, source);
  const Json problem = json.value("problem_type", Json());
  if (problem == "multi_label_classification") {
    fail_run(source, "problem_type multi_label_classification is not supported",
             "one label per text, or a regression, is");
  }
  if (problem == "regression" || (problem.is_null() && labels.size() == 1)) {
    if (labels.size() != 1) {
      fail_run(source, "a regression with " + std::to_string(labels.size()) + " outputs",
               "only one output is supported");
    }
    head.type = HeadType::kRegression;
  } else {
    head.type = HeadType::kClassification;
    head.labels = labels;
  }
  return head;
}

HeadConfig load_head_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  return head_config_from_json(read_text_file(path), path);
}

std::string architecture_of(const Json& config) {
  const Json names = config.value("architectures", Json());
  const bool named = names.is_array() && !names.empty() && names.front().is_string();
  return named ? names.front().get<std::string>() : "";
}

std::optional<int64_t> mask_id_from_json(const Json& config, const std::string& source) {
  const Json id = config.value("mask_token_id", Json());
  if (id.is_null()) return std::nullopt;
  const std::optional<int64_t> number = whole_number_of(id);
  if (!number) fail_run(source, "mask_token_id " + id.dump() + " is not an id", kFix);
  return number;
}

ModelConfig load_model_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const std::string text = read_text_file(path);
  const ModelConfig config = model_config_from_json(text, path);
  check_mask_id(mask_id_from_json(parse_strict_json(text, path), path), config, path);
  return config;
}

}  // namespace linformer
