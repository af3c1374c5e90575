#include "fuzz/fuzz_target.h"

#include <fstream>
#include <stdexcept>

#include "linformer/core/error.h"

namespace linformer {

const FuzzTarget& fuzz_target(std::string_view name) {
  std::string names;
  for (const auto* targets : {&file_targets(), &model_targets()}) {
    for (const FuzzTarget& target : *targets) {
      if (target.name == name) return target;
      names += " " + std::string(target.name);
    }
  }
  throw std::invalid_argument("no target '" + std::string(name) + "'; there are" + names);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

void run_fuzz_target(const FuzzTarget& target, const std::string& path, std::string_view bytes) {
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file) throw std::runtime_error("cannot write " + path);
  }
  try {
    target.read(path);
  } catch (const Error&) {
    // Refused in words: what a reader has to do with bytes that it cannot use.
  }
}

}  // namespace linformer
