#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/core/random.h"

namespace linformer {

/// Makes inputs out of known ones: bits and bytes changed, pieces taken out, repeated, brought in
/// from another input; numbers replaced by those at the edges of types; words that mean something
/// to the readers put in. The same seed gives the same inputs.
class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  /// A changed copy of one of the inputs, of kMostBytes at most.
  std::string next(const std::vector<std::string>& inputs);

  /// True in half of the cases.
  bool coin() { return random_.below(2) == 0; }

  static constexpr size_t kMostBytes = size_t{1} << 16;

 private:
  void change(std::string& bytes, const std::vector<std::string>& inputs);
  void replace_number(std::string& bytes);
  size_t place_in(const std::string& bytes);
  size_t length_at(const std::string& bytes, size_t place);

  RandomStream random_;
};

}  // namespace linformer
