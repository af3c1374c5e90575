#pragma once

#include <cmath>
#include <cstdint>

#include "host_device.h"

namespace linformer {

/// exp without branches, so that loops over it become vector instructions; accurate to 2 ulp
/// (argument reduction by log 2 in two parts and the degree-6 Taylor remainder on +-log(2)/2).
LINFORMER_HOST_DEVICE inline float fast_exp(float x) {
#ifdef __CUDACC__
  return expf(x);  // a device has its own
#else
  x = x < -87.3f ? -87.3f : (x > 88.0f ? 88.0f : x);
  const float shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer
  const float n = shifted - 12582912.0f;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  const int32_t exponent = (__builtin_bit_cast(int32_t, shifted) - 0x4b400000 + 127) << 23;
  return p * __builtin_bit_cast(float, exponent);
#endif
}
LINFORMER_HOST_DEVICE inline double fast_exp(double x) {
  return std::exp(x);
}

/// The normal distribution's Phi(x) and its density times x, computed from one exponential.
struct GeluParts {
  float cdf;
  float x_pdf;
};

/// Phi by formula 7.1.26 of Abramowitz and Stegun (|error of erf| < 1.5e-7).
LINFORMER_HOST_DEVICE inline GeluParts gelu_parts(float x) {
  const float z = std::fabs(x) * 0.70710678f;
  const float density = fast_exp(-0.5f * x * x);
  const float t = 1.0f / (1.0f + 0.3275911f * z);
  float poly = 1.061405429f;
  poly = poly * t - 1.453152027f;
  poly = poly * t + 1.421413741f;
  poly = poly * t - 0.284496736f;
  poly = poly * t + 0.254829592f;
  const float tail = 0.5f * poly * t * density;
  return {x < 0.0f ? tail : 1.0f - tail, x * 0.39894228f * density};
}

struct GeluPartsDouble {
  double cdf;
  double x_pdf;
};

LINFORMER_HOST_DEVICE inline GeluPartsDouble gelu_parts(double x) {
  return {0.5 * std::erfc(-x * 0.70710678118654752440),
          x * 0.39894228040143267794 * std::exp(-0.5 * x * x)};
}

/// The same two numbers for the tanh form of GELU, x * (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x +
/// 0.044715 x^3). The first is the factor of x; the sum of both is the derivative.
LINFORMER_HOST_DEVICE inline GeluParts gelu_tanh_parts(float x) {
  const float square = x * x;
  const float u = 0.79788456f * x * (1.0f + 0.044715f * square);
  const float inverse = 1.0f / (fast_exp(-2.0f * std::fabs(u)) + 1.0f);  // (1 + tanh |u|) / 2
  const float steep = 4.0f * inverse * (1.0f - inverse);                 // 1 - tanh(u)^2
  return {u < 0.0f ? 1.0f - inverse : inverse,
          0.5f * x * steep * 0.79788456f * (1.0f + 0.134145f * square)};
}

LINFORMER_HOST_DEVICE inline GeluPartsDouble gelu_tanh_parts(double x) {
  constexpr double kRoot = 0.79788456080286535588;
  const double t = std::tanh(kRoot * x * (1.0 + 0.044715 * x * x));
  return {0.5 * (1.0 + t), 0.5 * x * (1.0 - t * t) * kRoot * (1.0 + 0.134145 * x * x)};
}

}  // namespace linformer
