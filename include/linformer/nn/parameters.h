#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace linformer {

/// The kind of a parameter. It decides weight decay and starting values.
enum class ParameterKind { kWeight, kBias, kNorm, kEmbedding, kProjection };

/// The part of the model that a parameter belongs to. kEncoder: parameters of no single layer,
/// which are a shared E and the last norm.
enum class ModelPart { kEmbeddings, kAttention, kFeedForward, kEncoder, kHead };

struct ParameterPlace {
  ModelPart part = ModelPart::kHead;
  std::optional<int64_t> layer;  ///< from 0; of attention and feed-forward only
};

struct Parameter {
  std::string name;  ///< Hugging Face RoBERTa's name, also the name in model.safetensors
  at::Tensor tensor;
  ParameterKind kind;
  ParameterPlace place;
};

/// The named parameters of one model, in a fixed order. A parameter that is used twice is stored
/// once.
///
/// Starting values are a pure function of (seed, name). They depend neither on the order in which
/// modules are built nor on other modules.
class ParameterSet {
 public:
  explicit ParameterSet(uint64_t seed, at::ScalarType dtype = at::kFloat,
                        at::Device device = at::kCPU)
      : seed_(seed), dtype_(dtype), device_(device) {}

  /// Parameters added while a Scope exists belong to its place; those added without one, to a head.
  class Scope {
   public:
    Scope(ParameterSet& parameters, ParameterPlace place)
        : parameters_(parameters), outer_(std::exchange(parameters.place_, place)) {}
    ~Scope() { parameters_.place_ = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ParameterSet& parameters_;
    ParameterPlace outer_;
  };

  /// Adds a parameter drawn from N(0, deviation^2).
  at::Tensor add_normal(const std::string& name, ParameterKind kind, at::IntArrayRef shape,
                        double stddev);
  at::Tensor add_constant(const std::string& name, ParameterKind kind, at::IntArrayRef shape,
                          double value);
  /// Adds a parameter with the values of `start`.
  at::Tensor add(const std::string& name, ParameterKind kind, const at::Tensor& start);

  /// A CPU tensor of the draws of N(0, deviation^2) that belong to `name`.
  at::Tensor draw_normal(const std::string& name, at::IntArrayRef shape, double stddev) const;

  const std::vector<Parameter>& all() const { return parameters_; }
  /// The tensor of this name; throws std::out_of_range if there is none.
  const at::Tensor& get(const std::string& name) const;
  /// The number of elements of all parameters together.
  int64_t count() const;
  at::ScalarType dtype() const { return dtype_; }
  /// The device that holds the tensors.
  at::Device device() const { return device_; }

 private:
  uint64_t seed_;
  at::ScalarType dtype_;
  at::Device device_;
  ParameterPlace place_;
  std::vector<Parameter> parameters_;
};

/// Handles on the parameters, by the names that they have in files.
std::vector<std::pair<std::string, at::Tensor>> named_parameters(const ParameterSet& parameters);

}  // namespace linformer
