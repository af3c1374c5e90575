#pragma once

#include "../../element_functions.h"
#include "../element_loops.h"

namespace linformer::cpu {
namespace {

struct ExactForm {
  template <class T>
  LINFORMER_HOST_DEVICE static auto parts(T x) {
    return gelu_parts(x);
  }
};
struct TanhForm {
  template <class T>
  LINFORMER_HOST_DEVICE static auto parts(T x) {
    return gelu_tanh_parts(x);
  }
};

template <class Form, class E>
void gelu_rows(const E* x, const ComputeType<E>* bias, E* y, int64_t begin, int64_t end,
               int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const E* in = x + row * width;
    E* out = y + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const ComputeType<E> v = load(in[c]) + bias[c];
      store(v * Form::parts(v).cdf, out[c]);
    }
  }
}

template <class Form, class E>
void gelu_gradient_rows(const E* x, const ComputeType<E>* bias, const E* dy, E* dx,
                        ComputeType<E>* dbias, int64_t begin, int64_t end, int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const E* in = x + row * width;
    const E* upstream = dy + row * width;
    E* out = dx + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const ComputeType<E> v = load(in[c]) + bias[c];
      const auto parts = Form::parts(v);
      const ComputeType<E> gradient = load(upstream[c]) * (parts.cdf + parts.x_pdf);
      store(gradient, out[c]);
      dbias[c] += gradient;
    }
  }
}

template <class E>
constexpr GeluLoops<E> gelu_loops() {
  return {{gelu_rows<ExactForm, E>, gelu_gradient_rows<ExactForm, E>},
          {gelu_rows<TanhForm, E>, gelu_gradient_rows<TanhForm, E>}};
}

}  // namespace
}  // namespace linformer::cpu
