#include "linformer/kernels/precision_speed.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "cpu/weight_product.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

constexpr int64_t kSize = 512;
constexpr double kGiga = 1e9;

/// Times of products of one number type.
class TimedProducts {
 public:
  explicit TimedProducts(at::ScalarType type)
      : a_(at::full({kSize, kSize}, 0.5f).to(type)), b_(at::full({kSize, kSize}, 0.25f).to(type)) {}

  void time_one() {
    using Clock = std::chrono::steady_clock;
    constexpr double kLongSeconds = 0.2;
    const auto start = Clock::now();
    cpu::multiply_as_layers_do(a_, b_);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    total_seconds_ += seconds;
    // The first product also starts threads and generates code. It counts only if it is so long
    // that this does not matter.
    const bool first = std::exchange(first_, false);
    if (!first || seconds > kLongSeconds) seconds_.push_back(seconds);
  }

  size_t count() const { return seconds_.size(); }
  double total_seconds() const { return total_seconds_; }

  /// FLOP/s of the median.
  double speed() {
    const auto middle = seconds_.begin() + static_cast<int64_t>(seconds_.size() / 2);
    std::nth_element(seconds_.begin(), middle, seconds_.end());
    return 2.0 * static_cast<double>(kSize * kSize * kSize) / *middle;
  }

 private:
  at::Tensor a_;
  at::Tensor b_;
  std::vector<double> seconds_;
  double total_seconds_ = 0.0;
  bool first_ = true;
};

std::string cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("flags")) return line;
  }
  return "";  // another system: only the measurement decides
}

}  // namespace

bool has_native_instructions(std::string_view flags, Precision precision) {
  std::istringstream words{std::string(flags)};
  for (std::string word; words >> word;) {
    if (precision == Precision::kBf16 && (word == "avx512_bf16" || word == "amx_bf16")) return true;
    if (precision == Precision::kFp16 && (word == "avx512_fp16" || word == "amx_fp16")) return true;
  }
  return precision == Precision::kFp32;
}

bool has_native_instructions(Precision precision) {
  return has_native_instructions(cpu_flags(), precision);
}

PrecisionSpeed measure_precision_speed(Precision precision) {
  PrecisionSpeed speed;
  speed.precision = precision;
  speed.native = has_native_instructions(precision);
  // The two take turns: what else the machine does then slows both alike.
  constexpr int kRounds = 30;
  constexpr double kBudgetSeconds = 1.0;
  const at::NoGradGuard no_grad;
  TimedProducts full(at::kFloat);
  TimedProducts low(MixedPrecision(precision).type());
  for (int i = 0; i < kRounds; ++i) {
    full.time_one();
    low.time_one();
    if (i > 0 && full.total_seconds() + low.total_seconds() > kBudgetSeconds) break;
  }
  // Of a very slow type there are few rounds. fp32 is fast, and one disturbed product is not to
  // pass for its speed.
  constexpr size_t kFewest = 11;
  while (full.count() < kFewest) full.time_one();
  speed.full_flops = full.speed();
  speed.low_flops = low.speed();
  return speed;
}

ChosenPrecision choose_precision(const PrecisionSpeed& speed, const std::string& device) {
  const std::string figures = format_number(speed.low_flops / kGiga) + " against " +
                              format_number(speed.full_flops / kGiga) + " GFLOP/s";
  if (speed.is_faster()) {
    return {speed.precision, device + " multiplies it " + format_number(1.0 / speed.slowdown()) +
                                 " times as fast as fp32 (" + figures + ")"};
  }
  return {Precision::kFp32, device + " multiplies " + std::string(name_of(speed.precision)) +
                                " no faster (" + figures + ")"};
}

ChosenPrecision choose_precision(c10::Device device) {
  constexpr Precision kLow = Precision::kBf16;
  if (!device.is_cpu()) {
    const PrecisionSpeed speed{kLow, measure_matmul_peak(Precision::kFp32, device),
                               measure_matmul_peak(kLow, device), true};
    return choose_precision(speed, "the device");
  }
  if (!has_native_instructions(kLow)) {
    return {Precision::kFp32, "this CPU has no instructions for bf16"};
  }
  return choose_precision(measure_precision_speed(kLow), "this CPU");
}

void refuse_slow_precision(const PrecisionSpeed& speed, bool forced) {
  if (!speed.is_slow()) return;
  const std::string name(name_of(speed.precision));
  const std::string what = name + " multiplies matrices " + format_number(speed.slowdown()) +
                           " times slower than fp32 on this CPU (" +
                           format_number(speed.low_flops / kGiga) + " against " +
                           format_number(speed.full_flops / kGiga) + " GFLOP/s; the CPU has " +
                           (speed.native ? "instructions for it, but they are not used well"
                                         : "no instructions for it") +
                           ")";
  if (!forced) {
    fail_usage("training.precision", what,
               "use training.precision: fp32, or add --force-slow-precision to the command");
  }
  log_warning("training.precision: " + what + "; continuing, as --force-slow-precision says");
}

void check_precision_speed(Precision precision, c10::Device device, bool forced) {
  if (MixedPrecision(precision).active() && device.is_cpu()) {
    refuse_slow_precision(measure_precision_speed(precision), forced);
  }
}

}  // namespace linformer
