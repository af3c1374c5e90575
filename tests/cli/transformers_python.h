#pragma once

#include <cstdlib>
#include <string>

namespace linformer {

/// Python with transformers, for comparison; "" if there is none. LINFORMER_PYTHON names one.
inline std::string python_with_transformers() {
  const char* given = std::getenv("LINFORMER_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  const std::string probe = python + " -c 'import torch, transformers, safetensors' 2>/dev/null";
  return std::system(probe.c_str()) == 0 ? python : "";
}

}  // namespace linformer
