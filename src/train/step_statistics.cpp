#include "linformer/train/step_statistics.h"

#include <cmath>
#include <cstdio>

#include <ATen/ATen.h>

#include "linformer/tasks/masked_lm_task.h"

namespace linformer {
namespace {

std::string layer_name(size_t layer) {
  char name[32];
  std::snprintf(name, sizeof(name), "layer_%02zu", layer);
  return name;
}

double squares(const at::Tensor& tensor) {
  const double norm = at::linalg_vector_norm(tensor).item<double>();
  return norm * norm;
}

void add_norms(LogRecord& record, const std::string& kind,
               const std::map<std::string, double>& sums) {
  for (const auto& [group, sum] : sums) record.emplace_back(kind + "/" + group, std::sqrt(sum));
}

void add_activations(LogRecord& record, const Encoder& encoder, const Batch& batch,
                     at::Device device) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  std::vector<at::Tensor> states;
  const EncoderInput input = encoder_input(batch, device);
  encoder.forward(input, evaluation, &states);
  for (size_t i = 0; i < states.size(); ++i) {
    at::Tensor rows = states[i].flatten(0, 1);
    if (input.mask.defined()) {
      rows = rows.index_select(0, input.mask.to(rows.device()).flatten().nonzero().squeeze(1));
    }
    const std::string place =
        "activations/" + (i == 0 ? std::string("embeddings") : layer_name(i - 1));
    const at::Tensor values = rows.to(at::kDouble);
    record.emplace_back(place + ".mean", values.mean().item<double>());
    record.emplace_back(place + ".std", values.std(/*unbiased=*/false).item<double>());
    record.emplace_back(place + ".max", values.abs().max().item<double>());
  }
}

}  // namespace

std::string statistics_group(const std::string& parameter_name) {
  constexpr std::string_view kLayer = "roberta.encoder.layer.";
  const bool projection = parameter_name.ends_with(".E") || parameter_name.ends_with(".F");
  if (parameter_name.starts_with(kLayer)) {
    const std::string rest = parameter_name.substr(kLayer.size());
    const size_t dot = rest.find('.');
    const std::string layer = layer_name(std::stoul(rest.substr(0, dot)));
    if (projection) return layer + ".projection";
    return layer +
           (rest.substr(dot + 1).starts_with("attention.") ? ".attention" : ".feed_forward");
  }
  if (projection) return "projection";
  if (parameter_name.starts_with("roberta.embeddings.")) return "embeddings";
  return parameter_name.starts_with("roberta.encoder.") ? "final_norm" : "head";
}

StepStatistics::StepStatistics(const ParameterSet& parameters, double divisor)
    : parameters_(parameters) {
  for (const Parameter& parameter : parameters.all()) {
    weights_.push_back(parameter.tensor.detach().clone());
    double& sum = gradient_squares_[statistics_group(parameter.name)];
    const at::Tensor& gradient = parameter.tensor.grad();
    if (gradient.defined()) sum += squares(gradient) / (divisor * divisor);
  }
}

LogRecord StepStatistics::after_update(int64_t step, const Encoder& encoder,
                                       const Batch& batch) const {
  std::map<std::string, double> weights;
  std::map<std::string, double> updates;
  const auto& parameters = parameters_.all();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string group = statistics_group(parameters[i].name);
    const at::Tensor now = parameters[i].tensor.detach();
    weights[group] += squares(now);
    updates[group] += squares(now - weights_[i]);
  }
  LogRecord record{{"step", step}};
  add_norms(record, "weights", weights);
  add_norms(record, "gradients", gradient_squares_);
  add_norms(record, "updates", updates);
  add_activations(record, encoder, batch, parameters_.device());
  return record;
}

}  // namespace linformer
