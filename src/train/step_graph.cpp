#include "linformer/train/step_graph.h"

#include <utility>

#include <ATen/ATen.h>

#include "linformer/core/log.h"
#include "linformer/kernels/device_transfer.h"

namespace linformer {

bool wants_step_graph(const TrainingConfig& training, c10::Device device) {
  return training.step_graph == StepGraphUse::kOn ||
         (training.step_graph == StepGraphUse::kAuto && has_device_graph(device));
}

StepGraph::StepGraph(std::unique_ptr<FixedShapePass> pass, const Parts& parts)
    : pass_(std::move(pass)), parts_(parts) {}

std::optional<LossSum> StepGraph::accumulate(const Batch& batch, uint64_t dropout_key, bool first) {
  if (graph_ && addresses() != addresses_) graph_.reset();
  if (given_up_ || (!graph_ && !first) || !pass_->take(batch)) {
    ++num_left_;
    return std::nullopt;
  }
  ++num_run_;
  const auto num_labels = static_cast<int64_t>(batch.masked_labels.size());
  if (!graph_) return LossSum{run_and_record(dropout_key), num_labels};
  replay(dropout_key);
  return LossSum{loss_, num_labels};
}

at::Tensor StepGraph::run(ForwardContext& context) const {
  context.set_recompute(parts_.recompute);
  return parts_.step.accumulate([&] { return LossSum{pass_->loss_sum(context), 0}; }).sum.detach();
}

at::Tensor StepGraph::run_and_record(uint64_t dropout_key) {
  ForwardContext context(dropout_key);
  const at::Tensor expected_loss = run(context);
  std::vector<at::Tensor> expected;
  for (const at::Tensor& gradient : parts_.optimizer.gradients()) {
    expected.push_back(gradient.clone());
  }
  const auto go_on_without = [&](const std::string& why) {
    give_up(why);
    const std::vector<at::Tensor> gradients = parts_.optimizer.gradients();
    for (size_t i = 0; i < gradients.size(); ++i) gradients[i].copy_(expected[i]);
    return expected_loss;
  };
  parts_.step.set_gradient_memory(GradientMemory::kKept);
  parts_.step.drop_gradients();
  keys_ = at::empty({context.num_sites()}, expected_loss.options().dtype(at::kLong));
  graph_ = make_device_graph(expected_loss.device());
  // Copies of weights in the graph's memory and others must not be taken for each other.
  parts_.precision.types().drop_casts();
  try {
    graph_->record([this] {
      ForwardContext again(keys_);
      loss_ = run(again);
    });
    parts_.precision.types().drop_casts();
    addresses_ = addresses();
    replay(dropout_key);
  } catch (const c10::Error& error) {
    parts_.precision.types().drop_casts();
    return go_on_without(std::string("it can't be recorded: ") + error.what_without_backtrace());
  }
  const std::vector<at::Tensor> gradients = parts_.optimizer.gradients();
  bool same = at::equal(loss_, expected_loss) && gradients.size() == expected.size();
  for (size_t i = 0; same && i < gradients.size(); ++i) {
    same = at::equal(gradients[i], expected[i]);
  }
  if (!same) return go_on_without("its loss or gradients differ from those without it");
  return loss_;
}

void StepGraph::give_up(const std::string& why) {
  const std::string text =
      "training.step_graph: training goes on without a graph of the step, since " + why;
  parts_.asked ? log_warning(text) : log_info(text);
  graph_.reset();
  given_up_ = true;
  parts_.step.set_gradient_memory(GradientMemory::kFreed);
}

void StepGraph::replay(uint64_t dropout_key) {
  send_to_device(dropout_keys(dropout_key, keys_.size(0)), keys_);
  graph_->replay();
}

std::vector<const void*> StepGraph::addresses() const {
  std::vector<const void*> found;
  for (const Parameter& parameter : parts_.parameters.all()) {
    const at::Tensor& gradient = parameter.tensor.grad();
    found.push_back(parameter.tensor.const_data_ptr());
    found.push_back(gradient.defined() ? gradient.const_data_ptr() : nullptr);
  }
  return found;
}

}  // namespace linformer
