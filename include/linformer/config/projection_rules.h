#pragma once

#include <cstdint>
#include <vector>

#include "linformer/config/model_config.h"

namespace linformer {

/// The requirements of one kind of sequence projection on a configuration, and its cost. The
/// SequenceProjection of the same name (nn/sequence_projection.h) computes with tensors.
class ProjectionRules {
 public:
  virtual ~ProjectionRules() = default;

  /// The shape of E (and of F) of a layer; empty where the kind has no parameters.
  virtual std::vector<int64_t> shape(const ModelConfig& config, int64_t layer) const = 0;

  /// Multiply-adds per token that make keys and values of k rows out of the hidden states.
  virtual double multiply_adds(const ModelConfig& config, int64_t layer) const = 0;

  /// Whether a row comes from a window of n / k positions. Then k has to divide n, and a longer
  /// model may keep its windows.
  virtual bool has_windows() const { return true; }

  /// Whether E and F are matrices of k x n numbers. Then a row has a norm over positions.
  virtual bool has_matrices() const { return false; }

  /// Whether the heads of a layer may differ in k.
  virtual bool allows_k_per_head() const { return true; }

  /// Whether heads, keys and values, or layers may share E. If not, sharing has to be none.
  virtual bool allows_sharing() const { return true; }

  /// Whether the kind has its own starting values for E and F. Then attention.init has no effect.
  virtual bool has_own_start() const { return false; }

  /// Throws UsageError that names the key for whatever this kind alone refuses.
  virtual void validate(const ModelConfig& config) const;

 protected:
  /// Multiply-adds per token of the matrices of key and value on k rows.
  static double features_of_k_rows(const ModelConfig& config, int64_t layer);

  /// Multiply-adds per token of dense E and F, and of the matrices of key and value on their k
  /// rows.
  static double dense_projection(const ModelConfig& config, int64_t layer);

  /// Multiply-adds per token of the matrices of key and value if they do not commute with the
  /// projection: on k rows with sequence_first, else on n.
  static double key_value_features(const ModelConfig& config, int64_t layer);
};

/// The rules of a kind, from the list in attention_kinds.h.
const ProjectionRules& projection_rules(ProjectionType type);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT) const ProjectionRules& NAME##_projection_rules();
LINFORMER_PROJECTION_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

}  // namespace linformer
