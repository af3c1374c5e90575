#include "linformer/analysis/operation_counter.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include "linformer/core/error.h"
#include "linformer/kernels/own_products.h"

namespace linformer {
namespace {

/// A product: each number of its result is a sum of as many multiply-adds as an operand is long.
struct Product {
  size_t operand;  // input that says so
  int64_t (*length)(const at::Tensor& operand);
};

int64_t last_dimension(const at::Tensor& operand) {
  return operand.size(-1);
}
int64_t numbers_per_output(const at::Tensor& weight) {  // (out, in / groups, taps...)
  return weight.numel() / weight.size(0);
}

const std::map<std::string, Product>& products() {
  static const std::map<std::string, Product> kProducts{
      {"aten::mm", {0, last_dimension}},
      {"aten::addmm", {1, last_dimension}},
      {"aten::bmm", {0, last_dimension}},
      {"aten::baddbmm", {1, last_dimension}},
      {"aten::mv", {0, last_dimension}},
      {"aten::addmv", {1, last_dimension}},
      {"aten::dot", {0, last_dimension}},
      {"aten::linear", {0, last_dimension}},
      {"aten::conv1d", {1, numbers_per_output}},
      {"aten::conv2d", {1, numbers_per_output}},
      {"mkldnn::_linear_pointwise", {0, last_dimension}},
  };
  return kProducts;
}

std::set<std::string> operators(const std::string& names) {
  std::set<std::string> result;
  std::istringstream words(names);
  for (std::string name; words >> name;) result.insert("aten::" + name);
  return result;
}

/// Operators that compute element by element or along a row.
const std::set<std::string>& element_operators() {
  static const std::set<std::string> kOperators = operators(
      "_softmax abs add add_ addcmul all any clamp_max clamp_min div div_ eq exp le log "
      "logical_and "
      "logical_not logical_or lt masked_fill masked_fill_ max mean mul mul_ neg sqrt sub sum "
      "where");
  return kOperators;
}

/// Operators that make, copy or view tensors, or only call other operators.
const std::set<std::string>& other_operators() {
  static const std::set<std::string> kOperators = operators(
      "_reshape_alias _to_copy _unsafe_view alias arange as_strided cat clone constant_pad_nd "
      "contiguous copy_ detach empty empty_like empty_strided expand expand_as fill_ flatten full "
      "index_select mT matmul narrow ones pad permute repeat reshape resolve_conj resolve_neg "
      "result_type select slice softmax split squeeze stack t to transpose unsqueeze view zero_ "
      "zeros zeros_like");
  return kOperators;
}

struct Counting {
  std::set<const void*> weights;  // memory of each
  OperationCounts counts;
  std::set<std::string> unknown;
  int depth = 0;  // of operators that count
};

thread_local Counting* current = nullptr;

/// An operator that counts while it runs.
struct RunningOperator : at::ObserverContext {
  int64_t length = 0;  // multiply-adds per number of the result; 0 = not a product
  bool of_weight = false;
};

bool reads_weight(const at::RecordFunction& function) {
  const auto inputs = function.inputs();
  return std::any_of(inputs.begin(), inputs.end(), [](const c10::IValue& input) {
    if (!input.isTensor() || !input.toTensor().defined()) return false;
    return current->weights.count(input.toTensor().storage().data()) > 0;
  });
}

std::unique_ptr<at::ObserverContext> begin_operator(const at::RecordFunction& function) {
  // What an operator that counts calls inside is part of it.
  if (current == nullptr || current->depth > 0) return nullptr;
  const std::string name = function.name();
  const auto product = products().find(name);
  if (product == products().end() && element_operators().count(name) == 0) {
    if (other_operators().count(name) == 0) current->unknown.insert(name);
    return nullptr;
  }
  auto running = std::make_unique<RunningOperator>();
  if (product != products().end()) {
    const auto& [operand, length] = product->second;
    const auto inputs = function.inputs();
    if (operand >= inputs.size() || !inputs[operand].isTensor()) {
      current->unknown.insert(name + " without its operands");
      return nullptr;
    }
    running->length = length(inputs[operand].toTensor());
    running->of_weight = reads_weight(function);
  }
  ++current->depth;
  return running;
}

void end_operator(const at::RecordFunction& function, at::ObserverContext* context) {
  if (current == nullptr || context == nullptr) return;
  const auto& running = static_cast<const RunningOperator&>(*context);
  --current->depth;
  ++current->counts.num_calls;
  if (running.length == 0) return;
  if (function.outputs().empty() || !function.outputs().front().isTensor()) {
    current->unknown.insert(std::string(function.name()) + " without its result");
    return;
  }
  const int64_t multiply_adds = running.length * function.outputs().front().toTensor().numel();
  (running.of_weight ? current->counts.weight_multiply_adds
                     : current->counts.other_multiply_adds) += multiply_adds;
}

/// Observes this thread's operators while it exists.
class Observation {
 public:
  explicit Observation(Counting& counting)
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(begin_operator, end_operator)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
    current = &counting;
  }
  ~Observation() {
    current = nullptr;
    at::removeCallback(handle_);
  }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

 private:
  at::CallbackHandle handle_;
};

}  // namespace

OperationCounts count_operations(const std::vector<at::Tensor>& weights,
                                 const std::function<void()>& action) {
  Counting counting;
  for (const at::Tensor& weight : weights) counting.weights.insert(weight.storage().data());
  const OwnProductCounter own_products;
  {
    const Observation observation(counting);
    action();
  }
  if (!counting.unknown.empty()) {
    std::string names;
    for (const std::string& name : counting.unknown) names += (names.empty() ? "" : ", ") + name;
    fail_run("operation count", "operators that the counter does not know: " + names,
             "say in src/analysis/operation_counter.cpp how many multiply-adds they have");
  }
  if (own_products.multiply_adds() > 0) {
    counting.counts.other_multiply_adds += own_products.multiply_adds();
    ++counting.counts.num_calls;
  }
  return counting.counts;
}

}  // namespace linformer
