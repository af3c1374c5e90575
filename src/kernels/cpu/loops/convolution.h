#pragma once

#include "../element_loops.h"

namespace linformer::cpu {
namespace {

/// Channels whose sums a loop keeps at a time.
constexpr int64_t kChannels = 64;

/// One row of `size` channels, whose sums are kept in float until they are complete. `in` and `out`
/// are at the first of these channels; i is the row's place in its sequence.
template <class E>
[[gnu::always_inline]] inline void convolve_channels(const E* in, const ComputeType<E>* taps,
                                                     E* out, const ConvolutionShape& shape,
                                                     int direction, int64_t i, int64_t size) {
  const int64_t half = (shape.width - 1) / 2;
  ComputeType<E> sum[kChannels];
#pragma omp simd
  for (int64_t c = 0; c < size; ++c) sum[c] = load(out[c]);
  for (int64_t j = 0; j < shape.width; ++j) {
    const int64_t offset = direction * (j - half);
    if (i + offset < 0 || i + offset >= shape.length) continue;
    const E* from = in + offset * shape.channels;
    const ComputeType<E>* tap = taps + j * shape.channels;
#pragma omp simd
    for (int64_t c = 0; c < size; ++c) sum[c] += tap[c] * load(from[c]);
  }
#pragma omp simd
  for (int64_t c = 0; c < size; ++c) store(sum[c], out[c]);
}

template <class E>
void convolve_rows(const E* x, const ComputeType<E>* taps, E* y, const ConvolutionShape& shape,
                   int direction, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    const E* in = x + row * shape.channels;
    E* out = y + row * shape.channels;
    int64_t c = 0;
    for (; c + kChannels <= shape.channels; c += kChannels) {
      convolve_channels(in + c, taps + c, out + c, shape, direction, i, kChannels);
    }
    if (c < shape.channels) {
      convolve_channels(in + c, taps + c, out + c, shape, direction, i, shape.channels - c);
    }
  }
}

template <class E>
void tap_gradient_rows(const E* x, const E* dy, ComputeType<E>* dtaps,
                       const ConvolutionShape& shape, int64_t begin, int64_t end) {
  const int64_t half = (shape.width - 1) / 2;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    const E* upstream = dy + row * shape.channels;
    for (int64_t j = 0; j < shape.width; ++j) {
      const int64_t offset = j - half;
      if (i + offset < 0 || i + offset >= shape.length) continue;
      const E* in = x + (row + offset) * shape.channels;
      ComputeType<E>* sums = dtaps + j * shape.channels;
#pragma omp simd
      for (int64_t c = 0; c < shape.channels; ++c) sums[c] += load(upstream[c]) * load(in[c]);
    }
  }
}

template <class E>
constexpr ConvolutionLoops<E> convolution_loops() {
  return {convolve_rows<E>, tap_gradient_rows<E>};
}

}  // namespace
}  // namespace linformer::cpu
