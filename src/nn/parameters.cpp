#include "linformer/nn/parameters.h"

#include <stdexcept>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "linformer/core/checksum.h"
#include "linformer/core/random.h"

namespace linformer {

at::Tensor ParameterSet::draw_normal(const std::string& name, at::IntArrayRef shape,
                                     double stddev) const {
  at::Generator generator =
      at::detail::createCPUGenerator(stream_key(RandomPurpose::kParameters, {seed_, xxh3(name)}));
  return at::empty(shape, at::TensorOptions().dtype(dtype_)).normal_(0.0, stddev, generator);
}

at::Tensor ParameterSet::add(const std::string& name, ParameterKind kind, const at::Tensor& start) {
  at::Tensor tensor = start.detach().to(device_, dtype_).contiguous();
  tensor.set_requires_grad(true);
  parameters_.push_back({name, tensor, kind, place_});
  return tensor;
}

at::Tensor ParameterSet::add_normal(const std::string& name, ParameterKind kind,
                                    at::IntArrayRef shape, double stddev) {
  return add(name, kind, draw_normal(name, shape, stddev));
}

at::Tensor ParameterSet::add_constant(const std::string& name, ParameterKind kind,
                                      at::IntArrayRef shape, double value) {
  return add(name, kind, at::full(shape, value, at::TensorOptions().dtype(dtype_)));
}

const at::Tensor& ParameterSet::get(const std::string& name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return parameter.tensor;
  }
  throw std::out_of_range("no parameter " + name);
}

int64_t ParameterSet::count() const {
  int64_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.tensor.numel();
  return total;
}

std::vector<std::pair<std::string, at::Tensor>> named_parameters(const ParameterSet& parameters) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const Parameter& parameter : parameters.all()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  return tensors;
}

}  // namespace linformer
