#include "linformer/objectives/finetune_data.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/processors.h"

namespace linformer {
namespace {

LabelledDatasetOptions dataset_options(const FinetuneConfig& config, const ModelConfig& model) {
  check_max_length(config, model);
  const int64_t longest = config.input.max_length;
  LabelledDatasetOptions options;
  options.max_sequence_length = longest > 0 ? longest : model.max_sequence_length;
  options.truncation = config.input.truncation;
  options.type_vocab_size = model.type_vocab_size;
  options.seed = static_cast<uint64_t>(config.run.seed);
  options.micro_batch_size = config.training.micro_batch_size;
  return options;
}

HeldOutSet encode_set(ExampleSet rows, const Tokenizer& tokenizer,
                      const LabelledDatasetOptions& options) {
  HeldOutSet set;
  set.targets = rows.targets();
  set.dataset = std::make_unique<LabelledDataset>(rows.examples, tokenizer, options);
  set.rows = std::move(rows);
  return set;
}

}  // namespace

void check_max_length(const FinetuneConfig& config, const ModelConfig& model) {
  if (config.input.max_length <= model.max_sequence_length) return;
  fail_usage("input.max_length",
             std::to_string(config.input.max_length) + ", the model takes " +
                 std::to_string(model.max_sequence_length),
             "use at most that; linformer-convert extend makes a model longer");
}

FinetuneData encode_finetune_data(const FinetuneConfig& config, FinetuneRows rows,
                                  const ModelConfig& model, const Tokenizer& tokenizer) {
  LabelledDatasetOptions options = dataset_options(config, model);
  options.threads = config.run.threads > 0 ? config.run.threads : num_processors();
  FinetuneData data;
  data.task = std::move(rows.task);
  data.train_is_part = rows.train_is_part;
  data.train = std::make_unique<LabelledDataset>(rows.train, tokenizer, options);
  for (ExampleSet& set : rows.valid) {
    data.valid.push_back(encode_set(std::move(set), tokenizer, options));
  }
  for (ExampleSet& set : rows.test) {
    data.test.push_back(encode_set(std::move(set), tokenizer, options));
  }
  const double mean = static_cast<double>(data.train->num_tokens()) /
                      static_cast<double>(data.train->num_sequences());
  log_info("train: " + format_number(mean, 3) + " tokens a row, " +
           format_count(data.train->num_truncated(), "row") + " cut at " +
           format_count(options.max_sequence_length));
  return data;
}

}  // namespace linformer
