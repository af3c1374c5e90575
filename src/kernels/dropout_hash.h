#pragma once

#include <cstdint>

#include "host_device.h"

namespace linformer {

/// The keep-or-drop decision of one site as a pure function of the element's index.
///
/// The mixing steps are Wellons' 32-bit "lowbias32" (nullprogram.com/blog/2018/07/31); the second
/// half of the key enters between its two rounds.
class DropoutHash {
 public:
  /// `stored_key`: see with_stored_key(); null = `key` is the key.
  DropoutHash(double probability, uint64_t key, const int64_t* stored_key = nullptr)
      : threshold_(static_cast<uint32_t>(probability * 4294967296.0)),
        scale_(1.0 / (1.0 - probability)),
        stored_key_(stored_key) {
    set_key(key);
  }

  /// The hash with the key that is stored where this code runs. Each kernel begins with it.
  LINFORMER_HOST_DEVICE DropoutHash with_stored_key() const {
    DropoutHash hash = *this;
    if (stored_key_ != nullptr) hash.set_key(static_cast<uint64_t>(*stored_key_));
    return hash;
  }

  LINFORMER_HOST_DEVICE bool keeps(uint32_t index) const {
    uint32_t x = index ^ low_;
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= (x >> 15) ^ high_;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return x >= threshold_;
  }

  LINFORMER_HOST_DEVICE bool active() const { return threshold_ != 0; }

  // threshold() and scale() also for computing the same decisions with operations on tensors.
  uint32_t threshold() const { return threshold_; }
  LINFORMER_HOST_DEVICE double scale() const { return scale_; }

  /// out[i] = in[i] / (1 - probability) if first + i is kept, else 0; in and out may be the same
  /// row.
  template <class T>
  [[gnu::always_inline]] void apply(const T* in, T* out, uint32_t first, int64_t count) const {
    const DropoutHash self = *this;  // without aliasing; otherwise the loop stays scalar
    const T scale = static_cast<T>(scale_);
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      const T factor = self.keeps(first + static_cast<uint32_t>(i)) ? scale : T(0);
      out[i] = in[i] * factor;
    }
  }

 private:
  LINFORMER_HOST_DEVICE void set_key(uint64_t key) {
    low_ = static_cast<uint32_t>(key);
    high_ = static_cast<uint32_t>(key >> 32);
  }

  uint32_t low_ = 0;
  uint32_t high_ = 0;
  uint32_t threshold_;
  double scale_;
  const int64_t* stored_key_;
};

}  // namespace linformer
