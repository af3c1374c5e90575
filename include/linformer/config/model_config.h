#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/attention_kinds.h"
#include "linformer/config/fields.h"

namespace linformer {

enum class Activation { kGelu, kGeluNew, kSwiglu, kGeglu };
enum class NormPosition { kPost, kPre };
enum class NormType { kLayerNorm, kRmsNorm };
enum class PositionEmbedding { kLearned, kSinusoidal };
enum class PositionInit { kNormal, kSinusoidal };
enum class ConvolutionMixing { kDepthwise, kHead };
enum class SharingMode { kNone, kHeadwise, kKeyValue, kLayerwise };
enum class ProjectionOrder { kFeaturesFirst, kSequenceFirst };
enum class ProjectionInit { kNormal, kBlockAverage, kStrided, kJl };

template <>
struct EnumNames<Activation> {
  static constexpr std::array<std::string_view, 4> kNames{"gelu", "gelu_new", "swiglu", "geglu"};
};
template <>
struct EnumNames<NormPosition> {
  static constexpr std::array<std::string_view, 2> kNames{"post", "pre"};
};
template <>
struct EnumNames<NormType> {
  static constexpr std::array<std::string_view, 2> kNames{"layer_norm", "rms_norm"};
};
template <>
struct EnumNames<PositionEmbedding> {
  static constexpr std::array<std::string_view, 2> kNames{"learned", "sinusoidal"};
};
template <>
struct EnumNames<PositionInit> {
  static constexpr std::array<std::string_view, 2> kNames{"normal", "sinusoidal"};
};
template <>
struct EnumNames<ConvolutionMixing> {
  static constexpr std::array<std::string_view, 2> kNames{"depthwise", "head"};
};
template <>
struct EnumNames<SharingMode> {
  static constexpr std::array<std::string_view, 4> kNames{"none", "headwise", "key_value",
                                                          "layerwise"};
};
template <>
struct EnumNames<ProjectionOrder> {
  static constexpr std::array<std::string_view, 2> kNames{"features_first", "sequence_first"};
};
template <>
struct EnumNames<ProjectionInit> {
  static constexpr std::array<std::string_view, 4> kNames{"normal", "block_average", "strided",
                                                          "jl"};
};

/// The attention of the layers. Settings of the k rows concern `linformer` layers only.
struct AttentionConfig {
  OneOrMany<AttentionType> type = AttentionType::kLinformer;
  NestedNumbers projected_length = 128;
  ProjectionType projection = ProjectionType::kLinear;
  SharingMode sharing = SharingMode::kHeadwise;
  ProjectionOrder order = ProjectionOrder::kFeaturesFirst;
  ProjectionInit init = ProjectionInit::kNormal;
  ConvolutionMixing convolution_mixing = ConvolutionMixing::kDepthwise;
  int64_t value_convolution = 0;
  int64_t attention_window = 128;
  bool rescale_padding = false;
  bool train_projection = true;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("type", config.type,
          "what queries attend to; a list names one per layer" LINFORMER_ATTENTION_KINDS(
              LINFORMER_KIND_HELP));
    field("projected_length", config.projected_length,
          "rows k kept of the n keys and values; a list gives one per layer, a list of lists one "
          "per layer and head (with sharing none)");
    field("projection", config.projection,
          "what maps n positions to k" LINFORMER_PROJECTION_KINDS(LINFORMER_KIND_HELP));
    field("sharing", config.sharing,
          "none: E, F per head; headwise: one pair per layer; key_value: one E = F per layer; "
          "layerwise: one E for the whole model");
    field("order", config.order,
          "features_first: E (x W), the paper's; sequence_first: (E x) W, the official code's");
    field("init", config.init,
          "start of E, F: normal N(0, 0.02), block_average, strided rows, jl N(0, 1/k)");
    field("convolution_mixing", config.convolution_mixing,
          "of projection conv: depthwise keeps channels apart, head mixes the channels of a head");
    field("value_convolution", config.value_convolution,
          "width (odd) of a depthwise convolution over the values, added to the heads' output; 0 = "
          "none",
          between(0, kLargestSize));
    field("attention_window", config.attention_window,
          "of type local_window: width of the window around a token, half of it on each side");
    field("rescale_padding", config.rescale_padding,
          "true scales row i of a projected sequence by |E_i| / |E_i over valid positions|");
    field("train_projection", config.train_projection, "false keeps E, F at their starting values");
  }

  bool operator==(const AttentionConfig&) const = default;
};

/// An encoder in Hugging Face RoBERTa's terms; the defaults are RoBERTa-base with the paper's
/// n = 512, k = 128, headwise Linformer.
struct ModelConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  Activation hidden_act = Activation::kGelu;
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  int64_t max_sequence_length = 512;
  double layer_norm_eps = 1e-5;
  NormPosition norm_position = NormPosition::kPost;
  NormType norm_type = NormType::kLayerNorm;
  int64_t type_vocab_size = 0;
  std::optional<double> initializer_range = 0.02;
  PositionEmbedding position_embedding = PositionEmbedding::kLearned;
  PositionInit position_init = PositionInit::kNormal;
  bool tie_word_embeddings = true;
  AttentionConfig attention;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("vocab_size", config.vocab_size,
          "rows of the embedding table; 0 = as many as the tokenizer has (else it must be equal)",
          between(6, kLargestSize).or_zero());
    field("hidden_size", config.hidden_size, "width of the residual stream",
          between(1, kLargestWidth));
    field("num_hidden_layers", config.num_hidden_layers, "encoder layers", between(1, kMostLayers));
    field("num_attention_heads", config.num_attention_heads,
          "heads per layer; has to divide hidden_size", between(1, kLargestWidth));
    field("intermediate_size", config.intermediate_size,
          "width of the feed-forward block, usually 4 x hidden_size", between(1, kLargestWidth));
    field("hidden_act", config.hidden_act,
          "feed-forward block: gelu (exact erf), gelu_new (tanh form), or gated: swiglu, geglu");
    field("hidden_dropout_prob", config.hidden_dropout_prob,
          "dropout on embeddings and on each sublayer's output", share());
    field("attention_probs_dropout_prob", config.attention_probs_dropout_prob,
          "dropout on attention probabilities", share());
    field("max_sequence_length", config.max_sequence_length,
          "tokens n of the longest input; the positions table has n + 2 rows, as RoBERTa's",
          between(3, kLargestSize));
    field("layer_norm_eps", config.layer_norm_eps, "added to the variance in norms", positive());
    field("norm_position", config.norm_position,
          "post: norm after each residual sum (RoBERTa); pre: before each sublayer");
    field("norm_type", config.norm_type, "layer_norm, or rms_norm (no mean, no bias)");
    field("type_vocab_size", config.type_vocab_size,
          "rows of the segment embeddings (token_type_ids, BERT's); 0 = none", between(0, 1024));
    field("initializer_range", config.initializer_range,
          "standard deviation of the starting weights; auto = 0.9 / sqrt(hidden_size)", positive(),
          "auto");
    field("position_embedding", config.position_embedding,
          "learned, or sinusoidal: sines scaled to initializer_range that are not trained");
    field("position_init", config.position_init,
          "start of learned positions: normal, or sines scaled to initializer_range");
    field("tie_word_embeddings", config.tie_word_embeddings,
          "use the embedding table as the output weight");
    field("attention", config.attention, "attention of every layer");
  }

  /// The attention of one layer.
  AttentionType attention_type(int64_t layer) const { return attention.type.of(layer); }
  bool has_linformer_layer() const { return attention.type.any(AttentionType::kLinformer); }
  /// Rows k of a layer's heads: one number where they agree, else one per head.
  std::vector<int64_t> projected_lengths(int64_t layer) const;
  /// The mean of k over a layer's heads.
  double mean_projected_length(int64_t layer) const;
  /// The first Linformer layer; the number of layers where there is none.
  int64_t first_linformer_layer() const;
  bool is_gated() const {
    return hidden_act == Activation::kSwiglu || hidden_act == Activation::kGeglu;
  }
  /// Whether Hugging Face's RoBERTa computes the same function. Such a model's folder opens there.
  bool is_plain_roberta() const;
  int64_t head_size() const { return hidden_size / num_attention_heads; }
  /// Rows of the positions table: n + 2, since RoBERTa counts positions from pad_token_id + 1.
  int64_t num_position_rows() const { return max_sequence_length + 2; }
  /// initializer_range, or 0.9 / sqrt(hidden_size) where it is auto.
  double resolved_initializer_range() const;

  /// Ranges of the fields and rules between them; throws UsageError that names the key, e.g.
  /// "model.hidden_size".
  void validate() const;

  bool operator==(const ModelConfig&) const = default;
};

/// The head on the encoder: the masked-LM head, or a layer over pooled tokens that gives class
/// scores or one number.
enum class HeadType { kMaskedLm, kClassification, kRegression };

template <>
struct EnumNames<HeadType> {
  static constexpr std::array<std::string_view, 3> kNames{"masked_lm", "classification",
                                                          "regression"};
};

/// The input of a classification or regression head: the hidden state of the first token (<s>), the
/// mean over all tokens that are not padding, or, for pairs, the means u and v of the two texts as
/// (u, v, |u - v|, u v) (arXiv 1705.02364, 3.1; GLUE's own baselines).
enum class ClassifierPooling { kCls, kMean, kPairMean };

template <>
struct EnumNames<ClassifierPooling> {
  static constexpr std::array<std::string_view, 3> kNames{"cls", "mean", "pair_mean"};
};

struct HeadConfig {
  HeadType type = HeadType::kMaskedLm;
  std::vector<std::string> labels;  ///< of a classification, in the order of its outputs
  ClassifierPooling pooling = ClassifierPooling::kCls;

  /// Outputs of a classification or regression.
  int64_t num_outputs() const {
    return type == HeadType::kRegression ? 1 : static_cast<int64_t>(labels.size());
  }
  bool operator==(const HeadConfig&) const = default;
};

}  // namespace linformer
