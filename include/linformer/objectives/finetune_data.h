#pragma once

#include <memory>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/data/finetune_rows.h"
#include "linformer/data/labelled_dataset.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// Rows that a run does not learn from, as text and as ids.
struct HeldOutSet {
  ExampleSet rows;
  std::vector<float> targets;  ///< of each row; empty: the file has no labels
  std::unique_ptr<LabelledDataset> dataset;
};

/// What a fine-tuning run reads, for one model.
struct FinetuneData {
  TaskSpec task;
  std::unique_ptr<LabelledDataset> train;
  bool train_is_part = false;
  std::vector<HeldOutSet> valid;  ///< the first one chooses the best epoch
  std::vector<HeldOutSet> test;
};

/// Throws UsageError if input.max_length exceeds what the model takes.
void check_max_length(const FinetuneConfig& config, const ModelConfig& model);

/// Encodes `rows` for a model of `model`'s size. Throws as check_max_length().
FinetuneData encode_finetune_data(const FinetuneConfig& config, FinetuneRows rows,
                                  const ModelConfig& model, const Tokenizer& tokenizer);

}  // namespace linformer
