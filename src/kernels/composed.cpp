#include "composed.h"

namespace linformer {
namespace {

thread_local bool forced = false;

}  // namespace

ComposedPath::ComposedPath() : outer_(forced) {
  forced = true;
}
ComposedPath::~ComposedPath() {
  forced = outer_;
}

bool ComposedPath::active() {
  return forced;
}

}  // namespace linformer
