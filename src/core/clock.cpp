#include "linformer/core/clock.h"

#include <chrono>

namespace linformer {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace linformer
