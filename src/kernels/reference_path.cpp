#include "reference_path.h"

namespace linformer {
namespace {

thread_local bool forced = false;

}  // namespace

ReferencePath::ReferencePath() : outer_(forced) {
  forced = true;
}
ReferencePath::~ReferencePath() {
  forced = outer_;
}

bool ReferencePath::active() {
  return forced;
}

}  // namespace linformer
