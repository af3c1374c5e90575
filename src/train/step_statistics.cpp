#include "linformer/train/step_statistics.h"

#include <cmath>
#include <cstdio>

#include <ATen/ATen.h>

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

void add_activations(LogRecord& record, const std::vector<at::Tensor>& hidden_states) {
  for (size_t i = 0; i < hidden_states.size(); ++i) {
    const std::string place =
        "activations/" + (i == 0 ? std::string("embeddings") : layer_name(i - 1));
    const at::Tensor values = hidden_states[i].to(at::kDouble);
    record.emplace_back(place + ".mean", values.mean().item<double>());
    record.emplace_back(place + ".std", values.std(/*unbiased=*/false).item<double>());
    record.emplace_back(place + ".max", values.abs().max().item<double>());
  }
}

}  // namespace

std::string statistics_group(const Parameter& parameter) {
  const auto& [part, layer] = parameter.place;
  std::string group;
  if (layer) group = layer_name(static_cast<size_t>(*layer)) + ".";
  if (parameter.kind == ParameterKind::kProjection) return group + "projection";
  switch (part) {
    case ModelPart::kEmbeddings:
      return group + "embeddings";
    case ModelPart::kAttention:
      return group + "attention";
    case ModelPart::kFeedForward:
      return group + "feed_forward";
    case ModelPart::kEncoder:
      return group + "final_norm";
    case ModelPart::kHead:
      break;
  }
  return group + "head";
}

StepStatistics::StepStatistics(const ParameterSet& parameters, double divisor)
    : parameters_(parameters) {
  for (const Parameter& parameter : parameters.all()) {
    weights_.push_back(parameter.tensor.detach().clone());
    double& sum = gradient_squares_[statistics_group(parameter)];
    const at::Tensor& gradient = parameter.tensor.grad();
    if (gradient.defined()) sum += squares(gradient) / (divisor * divisor);
  }
}

LogRecord StepStatistics::after_update(int64_t step,
                                       const std::vector<at::Tensor>& hidden_states) const {
  std::map<std::string, double> weights;
  std::map<std::string, double> updates;
  const auto& parameters = parameters_.all();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string group = statistics_group(parameters[i]);
    const at::Tensor now = parameters[i].tensor.detach();
    weights[group] += squares(now);
    updates[group] += squares(now - weights_[i]);
  }
  LogRecord record{{"step", step}};
  add_norms(record, "weights", weights);
  add_norms(record, "gradients", gradient_squares_);
  add_norms(record, "updates", updates);
  add_activations(record, hidden_states);
  return record;
}

}  // namespace linformer
