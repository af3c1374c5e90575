#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "linformer/data/input_rows.h"
#include "linformer/models/model_folder.h"

namespace linformer {

/// What was written, for people.
struct FeatureSummary {
  int64_t num_rows = 0;    ///< B
  int64_t length = 0;      ///< N, the longest row
  int64_t num_states = 0;  ///< L + 1
};

/// Runs rows through a model without dropout and writes a safetensors file:
///
///   hidden_states.0            (B, N, C)  the embeddings' output
///   hidden_states.1 .. .L      (B, N, C)  each layer's (pre-norm: the residual stream; the last
///                                         one after the final norm)
///   logits                     (B, N, V), or (B, outputs) of a classification or regression
///   input_ids, attention_mask  (B, N) int64, rows padded on the right to the longest
///
/// At padding all numbers are 0. Rows go through `batch_size` at a time; `progress`, if set, is
/// called with the number of rows done. Throws RunError.
FeatureSummary write_features(const Model& model, const std::vector<InputRow>& rows,
                              int64_t batch_size, const std::string& path,
                              const std::function<void(int64_t rows)>& progress = {});

}  // namespace linformer
