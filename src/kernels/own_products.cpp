#include "linformer/kernels/own_products.h"

#include <stdexcept>

namespace linformer {

std::atomic<OwnProductCounter*> OwnProductCounter::active_ = nullptr;

OwnProductCounter::OwnProductCounter() {
  OwnProductCounter* none = nullptr;
  if (!active_.compare_exchange_strong(none, this)) {
    throw std::logic_error("two OwnProductCounters at one time");
  }
}

OwnProductCounter::~OwnProductCounter() {
  active_ = nullptr;
}

}  // namespace linformer
