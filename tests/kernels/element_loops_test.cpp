// Every version of the CPU's loops that this CPU can run gives the bits of the first. The loops
// themselves are compared with the reference implementations in implementations_test.
#include "kernels/cpu/element_loops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace linformer::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Fills memory with numbers that depend on nothing but the order of the calls.
class Numbers {
 public:
  template <class E>
  std::vector<E> draw(int64_t count) {
    std::vector<E> result(static_cast<size_t>(count));
    for (E& x : result) {
      store(static_cast<ComputeType<E>>(static_cast<float>(random_() >> 8) / (1 << 21) - 4.0F), x);
    }
    return result;
  }

 private:
  std::mt19937 random_{17};
};

/// The bytes of all that a loop wrote.
class Bytes {
 public:
  template <class E>
  void add(const std::vector<E>& numbers) {
    const auto* begin = reinterpret_cast<const char*>(numbers.data());
    bytes_.append(begin, numbers.size() * sizeof(E));
  }
  template <class E>
  void add(E number) {
    add(std::vector<E>{number});
  }
  bool operator==(const Bytes&) const = default;

 private:
  std::string bytes_;
};

using Run = std::function<void(const ElementLoops& loops, Numbers& numbers, Bytes& written)>;

void expect_same_bits(const std::string& what, const Run& run) {
  const auto bytes_of = [&](const ElementLoops& loops) {
    Numbers numbers;
    Bytes written;
    run(loops, numbers, written);
    return written;
  };
  const Bytes expected = bytes_of(*usable_loops().front());
  for (const ElementLoops* loops : usable_loops()) {
    EXPECT_TRUE(bytes_of(*loops) == expected) << what << ": " << loops->name;
  }
}

// Below, at and above the lanes of a sum and the registers of each version; widths of real models.
const std::vector<int64_t> kWidths{1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 256, 768};
constexpr int64_t kRows = 5;
const DropoutHash kNoDropout(0.0, 0);
const DropoutHash kDropout(0.3, 0x123456789abcdefULL);

template <class T, class X, class Y>
void expect_same_norms() {
  for (const int64_t width : kWidths) {
    for (const DropoutHash* hash : {&kNoDropout, &kDropout}) {
      for (const bool plain : {false, true}) {  // RMSNorm without bias and residual
        const std::string what = std::to_string(width) + " wide, plain " + std::to_string(plain) +
                                 ", dropout " + std::to_string(hash->active());
        expect_same_bits(what, [&](const ElementLoops& all, Numbers& numbers, Bytes& written) {
          const NormLoops<T, X, Y>& loops = all;
          const auto x = numbers.draw<X>(kRows * width);
          const auto residual = numbers.draw<T>(kRows * width);
          const auto weight = numbers.draw<T>(width);
          const auto shift = numbers.draw<T>(width);
          const std::vector<int64_t> places{9, 0, 3, 3, 77};
          std::vector<T> sum(x.size()), mean(kRows), inverse(kRows);
          std::vector<Y> normal(x.size());
          loops.norm({x.data(), plain ? nullptr : shift.data(), plain ? nullptr : residual.data(),
                      weight.data(), plain ? nullptr : shift.data(), places.data(), sum.data(),
                      normal.data(), mean.data(), inverse.data(), width, T(1e-5)},
                     *hash, 0, kRows);
          written.add(sum);
          written.add(normal);
          written.add(mean);
          written.add(inverse);
          const auto dy = numbers.draw<Y>(kRows * width);
          std::vector<T> ds(x.size()), sums(static_cast<size_t>(3 * width), T(0.5));
          std::vector<X> dx(x.size());
          loops.norm_gradient({sum.data(), mean.data(), inverse.data(), weight.data(), dy.data(),
                               plain ? nullptr : residual.data(), ds.data(), dx.data(),
                               places.data(), !plain, width},
                              *hash, 0, kRows, sums.data());
          written.add(ds);
          written.add(dx);
          written.add(sums);
        });
      }
    }
  }
}

TEST(ElementLoops, OfNormsHaveOneResult) {
  expect_same_norms<float, float, float>();
  expect_same_norms<float, float, Bf16>();
  expect_same_norms<float, Bf16, float>();
  expect_same_norms<float, Bf16, Bf16>();
  expect_same_norms<double, double, double>();
}

template <class E>
void expect_same_gelus() {
  for (const int64_t width : kWidths) {
    expect_same_bits(std::to_string(width), [&](const ElementLoops& all, Numbers& numbers,
                                                Bytes& written) {
      const GeluLoops<E>& loops = all;
      for (const GeluFormLoops<E>& form : {loops.exact_gelu, loops.tanh_gelu}) {
        const auto x = numbers.draw<E>(kRows * width);
        const auto dy = numbers.draw<E>(kRows * width);
        const auto bias = numbers.draw<ComputeType<E>>(width);
        std::vector<E> y(x.size()), dx(x.size());
        std::vector<ComputeType<E>> dbias(bias.size());
        form.forward(x.data(), bias.data(), y.data(), 0, kRows, width);
        form.backward(x.data(), bias.data(), dy.data(), dx.data(), dbias.data(), 0, kRows, width);
        written.add(y);
        written.add(dx);
        written.add(dbias);
      }
    });
  }
}

TEST(ElementLoops, OfGeluHaveOneResult) {
  expect_same_gelus<float>();
  expect_same_gelus<double>();
  expect_same_gelus<Bf16>();
}

template <class E>
void expect_same_convolutions() {
  for (const int64_t width : kWidths) {
    for (const int64_t taps : {1, 5, 33}) {
      expect_same_bits(std::to_string(width) + " channels, " + std::to_string(taps) + " taps",
                       [&](const ElementLoops& all, Numbers& numbers, Bytes& written) {
                         const ConvolutionLoops<E>& loops = all;
                         const ConvolutionShape shape{kRows, width, taps};
                         const auto x = numbers.draw<E>(2 * kRows * width);
                         const auto weight = numbers.draw<ComputeType<E>>(taps * width);
                         for (const int direction : {1, -1}) {
                           auto y = numbers.draw<E>(2 * kRows * width);
                           loops.convolve(x.data(), weight.data(), y.data(), shape, direction, 0,
                                          2 * kRows);
                           written.add(y);
                         }
                         const auto dy = numbers.draw<E>(2 * kRows * width);
                         auto sums = numbers.draw<ComputeType<E>>(taps * width);
                         loops.tap_gradient(x.data(), dy.data(), sums.data(), shape, 0, 2 * kRows);
                         written.add(sums);
                       });
    }
  }
}

TEST(ElementLoops, OfConvolutionsHaveOneResult) {
  expect_same_convolutions<float>();
  expect_same_convolutions<double>();
  expect_same_convolutions<Bf16>();
}

template <class T>
void expect_same_attention() {
  for (const int64_t keys : kWidths) {
    for (const int64_t seen : {keys, keys / 2, int64_t{0}}) {
      // An array, since a vector of bool holds none.
      bool mask[1024];
      for (int64_t m = 0; m < keys; ++m) mask[m] = m * 7 % keys < seen;
      for (const bool* given : std::vector<const bool*>{nullptr, mask}) {
        for (const DropoutHash* hash : {&kNoDropout, &kDropout}) {
          expect_same_bits(std::to_string(keys) + " keys, " + std::to_string(seen) + " seen",
                           [&](const ElementLoops& all, Numbers& numbers, Bytes& written) {
                             const AttentionLoops<T>& loops = all;
                             auto scores = numbers.draw<T>(keys);
                             written.add(loops.softmax(scores.data(), T(0.125), given, keys));
                             written.add(scores);
                             loops.dropout(scores.data(), scores.data(), *hash, 4294967290U, keys);
                             written.add(scores);
                             auto dp = numbers.draw<T>(keys);
                             loops.softmax_gradient(scores.data(), dp.data(), T(0.125), given,
                                                    T(1.5), T(0.25), T(0.5), *hash, 11, keys);
                             written.add(scores);
                             written.add(dp);
                           });
        }
      }
    }
  }
}

TEST(ElementLoops, OfAttentionHaveOneResult) {
  expect_same_attention<float>();
  expect_same_attention<double>();
}

template <class T>
void expect_same_losses() {
  for (const int64_t words : {1, 7, 16, 1023, 1024, 1025, 3000}) {
    for (const T odd : {T(0), T(kNaN), T(-kInfinity)}) {
      expect_same_bits(std::to_string(words) + " words", [&](const ElementLoops& all,
                                                             Numbers& numbers, Bytes& written) {
        const LossLoops<T>& loops = all;
        auto logits = numbers.draw<T>(words);
        auto bias = numbers.draw<T>(words);
        bias[static_cast<size_t>(words / 2)] += odd;
        T normalizer = 0;
        int64_t best = -1;
        const T loss =
            loops.row_loss(logits.data(), bias.data(), words, words - 1, normalizer, &best);
        written.add(best);
        // A NaN's sign and payload are not defined.
        if (!std::isnan(loss)) written.add(loss);
        if (std::isnan(normalizer)) return;
        written.add(logits);
        loops.row_loss_gradient(logits.data(), bias.data(), words, words - 1, normalizer);
        written.add(logits);
      });
    }
  }
}

TEST(ElementLoops, OfLossesHaveOneResult) {
  expect_same_losses<float>();
  expect_same_losses<double>();
}

TEST(ElementLoops, OfRoundingHaveOneResult) {
  for (const int64_t width : kWidths) {
    for (const int64_t rows : {1, 2, 5}) {
      expect_same_bits(std::to_string(width), [&](const ElementLoops& loops, Numbers& numbers,
                                                  Bytes& written) {
        auto x = numbers.draw<float>(rows * (width + 3));
        x.front() = kInfinity;
        x[x.size() / 2] = kNaN;
        x.back() = 1e-40F;
        std::vector<Bf16> rounded(static_cast<size_t>(rows * (width + 2)), 7);
        loops.round_rows(x.data(), width + 3, rounded.data(), width + 2, rows, width, width + 1);
        written.add(rounded);
        const int64_t pairs = rows + rows % 2;
        std::vector<Bf16> packed(static_cast<size_t>(pairs * width), 7);
        loops.pack_floats(x.data(), width + 3, rows, width, packed.data());
        written.add(packed);
        loops.pack_low(rounded.data(), width + 2, rows, width, packed.data());
        written.add(packed);
      });
    }
  }
}

TEST(ElementLoops, AddEachNumberInItsLane) {
  // Numbers 0 and 16 share a lane, so 2^25 - 2^25 is 0 and each of the 15 ones between counts. In
  // order, 2^25 + 1 would be 2^25. Number 20 shares the lane of number 4.
  std::vector<float> numbers(21, 0.0F);
  numbers[0] = 33554432.0F;
  for (size_t i = 1; i < 16; ++i) numbers[i] = 1.0F;
  numbers[16] = -33554432.0F;
  numbers[20] = 0.5F;
  const std::vector<float> ones(21, 1.0F);
  std::vector<Bf16> low(numbers.size()), low_ones(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    store(numbers[i], low[i]);
    store(ones[i], low_ones[i]);
  }
  for (const ElementLoops* all : usable_loops()) {
    const DotLoops<float>& loops = *all;
    const DotLoops<Bf16>& low_loops = *all;
    EXPECT_EQ(loops.dot(numbers.data(), ones.data(), 21), 15.5F) << all->name;
    EXPECT_EQ(low_loops.dot(low.data(), low_ones.data(), 21), 15.5F) << all->name;
    EXPECT_EQ(loops.dot(numbers.data(), ones.data(), 0), 0.0F) << all->name;
  }
}

TEST(ElementLoops, IncludeOneForEveryCpu) {
  EXPECT_STREQ(usable_loops().front()->name, "baseline");
  const auto* const chosen = &element_loops();
  EXPECT_NE(std::find(usable_loops().begin(), usable_loops().end(), chosen), usable_loops().end());
}

}  // namespace
}  // namespace linformer::cpu
