#include "linformer/objectives/classification_objective.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "model_check.h"
#include "run_device.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/metrics/percent.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/objectives/classification_loss.h"
#include "linformer/report/progress.h"
#include "linformer/train/optimized_parameters.h"

namespace linformer {
namespace {

HeadConfig head_of(const TaskSpec& task, ClassifierPooling pooling) {
  if (pooling == ClassifierPooling::kPairMean && !task.is_pair()) {
    pooling = ClassifierPooling::kMean;
  }
  if (task.kind == TaskKind::kRegression) return {HeadType::kRegression, {}, pooling};
  return {HeadType::kClassification, task.label_names(), pooling};
}

/// The segments of the source, if it has any. What the new model has more of starts at its random
/// values around segment 0, which stays what it was.
void copy_segments(const Model& source, const at::Tensor& segments) {
  const int64_t known = source.config().type_vocab_size;
  if (known == 0) {
    segments[0].zero_();
    return;
  }
  const at::Tensor& theirs = source.parameters().get(kTokenTypeEmbeddings);
  segments.narrow(0, known, segments.size(0) - known).add_(theirs[0]);
  segments.narrow(0, 0, known).copy_(theirs);
}

}  // namespace

double layer_learning_rate(const Parameter& parameter, int64_t num_layers,
                           const FinetuneSettings& settings) {
  const auto& [part, layer] = parameter.place;
  if (part == ModelPart::kHead) return settings.head_learning_rate;
  int64_t depth = num_layers + 1;
  if (layer) {
    depth = *layer + 1;
  } else if (part == ModelPart::kEmbeddings) {
    depth = 0;
  } else if (parameter.kind == ParameterKind::kProjection) {
    depth = 1;
  }
  return std::pow(settings.layer_decay, static_cast<double>(num_layers + 1 - depth));
}

StartingModel StartingModel::open(const std::string& init_from, const FinetuneSettings& settings) {
  std::string folder = find_model_folder(init_from);
  ModelConfig config = load_model_config(folder);
  Tokenizer tokenizer = load_tokenizer(folder, config);
  if (settings.dropout) {
    config.hidden_dropout_prob = *settings.dropout;
    config.attention_probs_dropout_prob = *settings.dropout;
  }
  if (settings.segment_embeddings) {
    config.type_vocab_size = std::max<int64_t>(2, config.type_vocab_size);
  }
  if (settings.reinit_layers > config.num_hidden_layers) {
    fail_usage("finetune.reinit_layers",
               std::to_string(settings.reinit_layers) + " of " +
                   std::to_string(config.num_hidden_layers) + " layers",
               "use fewer; finetune.weights: random starts everything anew");
  }
  return {folder, std::move(config), std::move(tokenizer)};
}

ClassificationObjective::ClassificationObjective(const FinetuneConfig& config,
                                                 const StartingModel& start,
                                                 const FinetuneData& data)
    : config_(config),
      start_(start),
      data_(data),
      model_(
          [&] {
            ModelConfig model = start.config;
            if (config.training.overfit_one_batch) {
              model.hidden_dropout_prob = 0.0;
              model.attention_probs_dropout_prob = 0.0;
            }
            return trainable(model, run_device(config), config.distributed,
                             /*num_sequences=*/0);  // texts may be far shorter
          }(),
          head_of(data.task, config.finetune.pooling), static_cast<uint64_t>(config.run.seed),
          at::kFloat, run_device(config)) {}

std::vector<OptimizedParameter> ClassificationObjective::optimized_parameters() const {
  std::vector<OptimizedParameter> result = linformer::optimized_parameters(model_.parameters());
  const std::vector<Parameter>& parameters = model_.parameters().all();
  for (size_t i = 0; i < result.size(); ++i) {
    result[i].learning_rate =
        layer_learning_rate(parameters[i], model_.config().num_hidden_layers, config_.finetune);
  }
  return result;
}

ModelFiles ClassificationObjective::model_files() const {
  return {to_config_json(model_.config(), model_.head_config()),
          saved_tensors(model_),
          start_.tokenizer.model_bytes(),
          {}};
}

void ClassificationObjective::start_weights() {
  if (config_.finetune.weights == StartingWeights::kRandom) {
    log_info("weights: random, as finetune.weights says; only the shape is that of " +
             start_.folder);
    return;
  }
  const at::NoGradGuard no_grad;
  const std::unique_ptr<Model> loaded = load_model(start_.folder);
  const Model& source = *loaded;
  const int64_t first_new = model_.config().num_hidden_layers - config_.finetune.reinit_layers;
  for (const Parameter& parameter : model_.parameters().all()) {
    if (parameter.place.part == ModelPart::kHead) continue;  // it is new
    if (parameter.place.layer.value_or(-1) >= first_new) continue;
    if (parameter.name == kTokenTypeEmbeddings) {
      copy_segments(source, parameter.tensor.detach());
      continue;
    }
    parameter.tensor.detach().copy_(source.parameters().get(parameter.name));
  }
  log_info("encoder from " + start_.folder +
           (config_.finetune.reinit_layers > 0
                ? ", the top " + std::to_string(config_.finetune.reinit_layers) + " layers anew"
                : ""));
}

void ClassificationObjective::load_checkpoint_weights(const std::string& folder) {
  const std::string difference = model_difference(model_.config(), load_model_config(folder));
  if (!difference.empty()) {
    fail_usage(setting_name("run.init_from"),
               "is another model than the one in " + folder + ": model." + difference,
               "choose another " + setting_name("run.dir"));
  }
  if (read_text_file(folder + "/tokenizer.model") != start_.tokenizer.model_bytes()) {
    fail_usage(setting_name("run.init_from"), "has another tokenizer than the checkpoint " + folder,
               "choose another " + setting_name("run.dir"));
  }
  const HeadConfig head = load_head_config(folder);
  if (head.pooling != model_.head_config().pooling) {
    fail_usage("finetune.pooling",
               "is another than in the checkpoint " + folder + " (" +
                   std::string(name_of(head.pooling)) + ")",
               "restore it, or choose another " + setting_name("run.dir"));
  }
  if (head != model_.head_config()) {
    fail_usage("task.labels", "other labels than in the checkpoint " + folder,
               "restore them, or choose another " + setting_name("run.dir"));
  }
  load_weights(folder, model_);
}

std::function<Batch(int64_t)> ClassificationObjective::micro_batches(
    StreamStart start, std::function<int64_t(int64_t)> offset) const {
  const int64_t micro = config_.training.micro_batch_size;
  const int64_t batch = config_.training.global_batch_size;
  const bool one_batch = config_.training.overfit_one_batch;
  return [this, start, offset, micro, batch, one_batch](int64_t number) {
    const int64_t taken = offset(number);
    return data_.train->batch(one_batch ? taken % batch : start.position + taken, micro);
  };
}

LossSum ClassificationObjective::loss(const Batch& batch, ForwardContext& context) const {
  return classification_loss(model_, batch, context);
}

std::optional<TaskOutputs> ClassificationObjective::predict(Communicator& communicator,
                                                            const LabelledDataset& set,
                                                            const std::string& name) const {
  const int64_t batch = config_.evaluation.micro_batch_size > 0
                            ? config_.evaluation.micro_batch_size
                            : std::max<int64_t>(32, config_.training.micro_batch_size);
  OutputOptions options{batch, communicator.rank(), communicator.size()};
  WorkProgress progress("predicting " + name, set.num_sequences(), "rows");
  if (communicator.is_first()) {
    options.progress = [&progress](int64_t rows) { progress.update(rows); };
  }
  TaskOutputs own = task_outputs(model_, set, options);
  std::vector<double> values(own.values.begin(), own.values.end());
  values.push_back(own.complete ? 0.0 : 1.0);
  values = communicator.sum(std::move(values));
  if (values.back() > 0.0) return std::nullopt;
  values.pop_back();
  own.values.assign(values.begin(), values.end());
  return own;
}

std::optional<EvaluationScore> ClassificationObjective::evaluate(Communicator& communicator) {
  const HeldOutSet& held_out = data_.valid.front();
  const std::optional<TaskOutputs> outputs =
      predict(communicator, *held_out.dataset, held_out.rows.name);
  if (!outputs) return std::nullopt;
  const TaskMeasures measures = measure_task(data_.task, *outputs, held_out.targets);
  EvaluationScore score;
  const double metric_value = measures.metrics.front().value;
  if (!std::isfinite(measures.loss)) {
    score.score = measures.loss;
  } else {
    // A constant prediction has no correlation: as bad as none.
    score.score = std::isfinite(metric_value) ? metric_value : -1.0;
  }
  score.record = {{"valid_loss", measures.loss}};
  score.summary = held_out.rows.name + ": ";
  for (const MetricValue& metric : measures.metrics) {
    score.record.emplace_back("valid_" + metric.name, metric.value);
    score.summary += metric.name + " " + percent_text(metric.value) + ", ";
  }
  score.summary += "loss " + format_number(measures.loss);
  return score;
}

}  // namespace linformer
