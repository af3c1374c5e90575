#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace linformer {

/// An exponential moving average of the weights (Polyak, Juditsky 1992). After update t = 0, 1, ...
///
///   average = average + (1 - d) (weight - average),   d = min(decay, (1 + t) / (10 + t))
///
/// so that the random start fades quickly even with a large decay (TensorFlow's num_updates rule).
/// The average starts as a copy of the weights.
class WeightAverage {
 public:
  using NamedWeights = std::vector<std::pair<std::string, at::Tensor>>;

  /// `weights` are handles to the parameters. 0 < decay < 1.
  WeightAverage(NamedWeights weights, double decay);

  /// Call after the optimizer's update number `update`, counted from 0.
  void update(int64_t update);

  /// The averages by name. These are handles, not copies, so loading into them restores the
  /// average.
  const NamedWeights& state() const { return averages_; }

  /// Copies the weights into the averages.
  void restart();

  /// While it exists, the parameters hold the averages; no tensor is copied, and nothing may train.
  /// Constructor and destructor raise the version of every parameter, so that copies of its values
  /// are renewed.
  class InPlace {
   public:
    explicit InPlace(WeightAverage& average) : average_(average) { average_.swap(); }
    ~InPlace() { average_.swap(); }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    WeightAverage& average_;
  };

 private:
  void swap();

  NamedWeights weights_;
  NamedWeights averages_;
  double decay_;
};

/// The decay d of an update, counted from 0.
double average_decay_at(double decay, int64_t update);

}  // namespace linformer
