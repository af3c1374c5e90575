#include "linformer/core/quiet.h"

#include <atomic>

#include "linformer/core/log.h"

namespace linformer {
namespace {

std::atomic<bool> quiet = false;

}  // namespace

void be_quiet() {
  quiet = true;
  set_log_level(LogLevel::kWarning);
}

bool is_quiet() {
  return quiet;
}

}  // namespace linformer
