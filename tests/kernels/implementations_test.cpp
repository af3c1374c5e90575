// Compares every operation on every device with the reference implementation, composed of
// LibTorch's operations, computed in double on the CPU. The devices come from the list of
// implementations, so a new implementation is tested here without a new test. A device that lacks
// one uses the reference and is tested too.
#include "kernels/implementations.h"

#include <algorithm>
#include <string>

#include "kernels/reference_path.h"
#include "torch_test_support.h"

#include "linformer/kernels/attention.h"
#include "linformer/kernels/depthwise_convolution.h"
#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"
#include "linformer/kernels/linear_cross_entropy.h"
#include "linformer/kernels/mixed_precision.h"
#include "linformer/kernels/packed_rows.h"

namespace linformer {
namespace {

using Tensors = std::vector<at::Tensor>;
using Operation = std::function<at::Tensor(const Tensors&)>;

struct Outcome {
  at::Tensor value;
  Tensors gradients;
};

/// Value, and gradients of a fixed random projection of it, brought back to the CPU.
Outcome outcome_of(const Operation& operation, const Tensors& inputs, at::DeviceType device,
                   at::ScalarType type) {
  Tensors leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.detach().clone().to(device, type).set_requires_grad(true));
  }
  const at::Tensor value = operation(leaves);
  at::manual_seed(99);
  const at::Tensor upstream = at::randn(value.sizes(), at::kFloat).to(device, type);
  Outcome outcome{value.detach().cpu(),
                  torch::autograd::grad({(value * upstream).sum()}, leaves, {}, std::nullopt, false,
                                        /*allow_unused=*/true)};
  for (size_t i = 0; i < leaves.size(); ++i) {
    at::Tensor& gradient = outcome.gradients[i];
    gradient = gradient.defined() ? gradient.cpu() : at::zeros_like(leaves[i]).cpu();
  }
  return outcome;
}

Outcome reference_outcome(const Operation& operation, const Tensors& inputs, at::ScalarType type) {
  const ReferencePath path;
  return outcome_of(operation, inputs, at::kCPU, type);
}

/// max |a - b| / max(1, |b|): some gradients are zero but for rounding.
double difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return 1e30;
  if (a.numel() == 0) return 0.0;
  return (a.to(at::kDouble) - b).abs().max().item<double>() /
         std::max(1.0, b.abs().max().item<double>());
}

struct Tolerance {
  double in_float = 1e-5;
  double in_double = 1e-12;
};

bool is_present(at::DeviceType device) {
  return device == at::kCPU || (device == at::kCUDA && at::globalContext().hasCUDA());
}

std::vector<at::DeviceType> tested_devices() {
  std::vector<at::DeviceType> devices{at::kCPU, at::kCUDA};
  for (const DeviceKernels& kernels : all_kernels()) {
    if (std::find(devices.begin(), devices.end(), kernels.device) == devices.end()) {
      devices.push_back(kernels.device);
    }
  }
  return devices;
}

class Implementations : public ::testing::TestWithParam<at::DeviceType> {
 protected:
  void SetUp() override {
    if (!is_present(GetParam())) GTEST_SKIP() << "this machine has no such device";
    at::manual_seed(1);
  }

  /// Value and all gradients, in float and in double.
  void expect_as_reference(const Operation& operation, const Tensors& inputs,
                           const std::string& what, const Tolerance& tolerance = {}) {
    const Outcome expected = reference_outcome(operation, inputs, at::kDouble);
    for (const auto& [type, bound] :
         {std::pair{at::kFloat, tolerance.in_float}, std::pair{at::kDouble, tolerance.in_double}}) {
      const Outcome ours = outcome_of(operation, inputs, GetParam(), type);
      EXPECT_EQ(ours.value.scalar_type(), type) << what;
      EXPECT_LT(difference(ours.value, expected.value), bound) << what << ", " << type;
      for (size_t i = 0; i < inputs.size(); ++i) {
        EXPECT_LT(difference(ours.gradients[i], expected.gradients[i]), bound)
            << what << ", " << type << ", gradient of input " << i;
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(On, Implementations, ::testing::ValuesIn(tested_devices()),
                         [](const auto& test) {
                           return c10::DeviceTypeName(test.param, /*lower_case=*/true);
                         });

/// A mask (B, M) whose first row lacks the last third of its keys, and whose last row has none.
at::Tensor some_keys(int64_t batch, int64_t keys) {
  at::Tensor mask = at::ones({batch, keys}, at::kBool);
  mask[0].narrow(0, keys - keys / 3, keys / 3).fill_(false);
  mask[batch - 1].fill_(false);
  return mask;
}

TEST_P(Implementations, OfAttention) {
  struct Case {
    int64_t queries, keys, window;
  };
  for (const auto& [queries, keys, window] : std::vector<Case>{{1, 1, 0},
                                                               {19, 5, 0},
                                                               {5, 19, 0},
                                                               {150, 700, 0},
                                                               {1, 1, 2},
                                                               {30, 30, 4},
                                                               {150, 150, 40},
                                                               {150, 150, 18},
                                                               {97, 97, 2},
                                                               {7, 7, 400}}) {
    const Tensors inputs{at::randn({3, queries, 8}), at::randn({3, keys, 8}),
                         at::randn({3, keys, 8})};
    for (const double probability : {0.0, 0.3}) {
      for (const at::Tensor& mask : {at::Tensor(), some_keys(3, keys)}) {
        const auto run = [&, window = window](const Tensors& in) {
          const at::Tensor on_device = mask.defined() ? mask.to(in[0].device()) : mask;
          return dropout_attention(in[0], in[1], in[2], 2, on_device, {probability, 21}, window);
        };
        expect_as_reference(run, inputs,
                            std::to_string(queries) + " queries, " + std::to_string(keys) +
                                " keys, window " + std::to_string(window) + ", dropout " +
                                std::to_string(probability) + ", mask " +
                                std::to_string(mask.defined()));
      }
    }
  }
}

/// Ascending positions of queries, (3, queries), of which the last two are the same.
at::Tensor some_positions(int64_t queries, int64_t length) {
  at::Tensor positions = std::get<0>(at::randint(length, {3, queries}, at::kLong).sort(1));
  if (queries > 1) positions.select(1, queries - 1).copy_(positions.select(1, queries - 2));
  return positions;
}

// Sequences without their padding, and some of their queries, give what they give in the padded
// batch with a mask.
TEST_P(Implementations, OfAttentionOverPackedRows) {
  const std::vector<int64_t> lengths{30, 1, 0, 97, 64};
  constexpr int64_t kMost = 100;
  const auto batch = static_cast<int64_t>(lengths.size());
  const std::vector<int64_t> some{0, 7, 29, 100, 300, 350, 396, 401, 463};
  for (const int64_t keys : {kMost, int64_t{16}}) {  // of the tokens, or projected
    for (const int64_t window : {0, 20}) {
      if (window > 0 && keys != kMost) continue;
      for (const double probability : {0.0, 0.3}) {
        for (const bool all_queries : {true, false}) {
          const auto queries_on = [&](at::Device device) {
            return all_queries ? first_rows(lengths, kMost, device)
                               : chosen_rows(some, batch, kMost, device);
          };
          const auto keys_on = [&, keys = keys](at::Device device) {
            return keys == kMost ? first_rows(lengths, kMost, device) : all_rows(batch, keys);
          };
          const DropoutSite site{probability, 21};
          const auto packed = [&, window = window](const Tensors& in) {
            const at::Device device = in[0].device();
            return dropout_attention(in[0], in[1], in[2], 2, queries_on(device), keys_on(device),
                                     site, window);
          };
          const PackedRows queries = queries_on(at::kCPU);
          const auto padded = [&, window = window](const Tensors& in) {
            const PackedRows own_keys = keys_on(at::kCPU);
            const at::Tensor full = rows_into(in[0], queries.numbers, batch * kMost);
            const at::Tensor output =
                dropout_attention(full.view({batch, kMost, 8}), pad_rows(in[1], own_keys),
                                  pad_rows(in[2], own_keys), 2, own_keys.mask, site, window);
            return rows_at(output.flatten(0, 1), queries.numbers);
          };
          const int64_t num_keys = keys_on(at::kCPU).num_rows();
          const Tensors inputs{at::randn({queries.num_rows(), 8}), at::randn({num_keys, 8}),
                               at::randn({num_keys, 8})};
          const std::string what =
              std::to_string(keys) + " keys, window " + std::to_string(window) + ", dropout " +
              std::to_string(probability) + ", all queries " + std::to_string(all_queries);
          const Outcome expected = reference_outcome(padded, inputs, at::kDouble);
          const Outcome ours = outcome_of(packed, inputs, GetParam(), at::kDouble);
          EXPECT_LT(difference(ours.value, expected.value), 1e-12) << what;
          for (size_t i = 0; i < inputs.size(); ++i) {
            EXPECT_LT(difference(ours.gradients[i], expected.gradients[i]), 1e-12)
                << what << ", gradient of input " << i;
          }
          expect_as_reference(packed, inputs, what);
        }
      }
    }
  }
}

TEST_P(Implementations, OfAttentionOfSomePositions) {
  struct Case {
    int64_t queries, keys, length, window;
  };
  for (const auto& [queries, keys, length, window] : std::vector<Case>{
           {1, 1, 1, 0}, {7, 5, 19, 0}, {140, 700, 900, 0}, {1, 30, 30, 4}, {60, 300, 300, 40}}) {
    const Tensors inputs{at::randn({3, queries, 8}), at::randn({3, keys, 8}),
                         at::randn({3, keys, 8})};
    const at::Tensor positions = some_positions(queries, length);
    for (const double probability : {0.0, 0.3}) {
      for (const at::Tensor& mask : {at::Tensor(), some_keys(3, keys)}) {
        const auto run = [&, length = length, window = window](const Tensors& in) {
          const auto there = [&](const at::Tensor& x) {
            return x.defined() ? x.to(in[0].device()) : x;
          };
          return dropout_attention(in[0], in[1], in[2], 2, there(mask), {probability, 21}, window,
                                   {there(positions), length});
        };
        expect_as_reference(run, inputs,
                            std::to_string(queries) + " of " + std::to_string(length) +
                                " queries, " + std::to_string(keys) + " keys, window " +
                                std::to_string(window) + ", dropout " +
                                std::to_string(probability));
      }
    }
  }
}

// A query gives among some what it gives among all: the same window, mask and dropped keys.
TEST_P(Implementations, OfAttentionGiveEachPositionItsOwnResult) {
  constexpr int64_t kLength = 90;
  const at::DeviceType device = GetParam();
  const auto x = [&] { return at::randn({3, kLength, 8}, at::kDouble).to(device); };
  const at::Tensor query = x();
  const at::Tensor key = x();
  const at::Tensor value = x();
  const at::Tensor positions = some_positions(20, kLength).to(device);
  const at::Tensor index = positions.unsqueeze(-1).expand({-1, -1, 8});
  const at::Tensor mask = some_keys(3, kLength).to(device);
  for (const int64_t window : {0, 10}) {
    const DropoutSite site{0.4, 77};
    const at::Tensor all = dropout_attention(query, key, value, 2, mask, site, window);
    const at::Tensor some = dropout_attention(query.gather(1, index), key, value, 2, mask, site,
                                              window, {positions, kLength});
    EXPECT_LT(difference(some.cpu(), all.gather(1, index).cpu()), 1e-12) << window;
  }
}

TEST_P(Implementations, OfAttentionOnOtherStridesAndWithoutSequences) {
  const Operation strided = [](const Tensors& in) {
    return dropout_attention(in[0].transpose(0, 1), in[1].transpose(0, 1), in[1].transpose(0, 1), 1,
                             {}, {0.2, 3});
  };
  expect_as_reference(strided, {at::randn({9, 2, 4}), at::randn({6, 2, 4})}, "strided");
  const Operation plain = [](const Tensors& in) {
    return dropout_attention(in[0], in[1], in[2], 2, {}, {0.2, 3});
  };
  expect_as_reference(plain, {at::randn({0, 9, 4}), at::randn({0, 6, 4}), at::randn({0, 6, 4})},
                      "no sequences");
}

TEST_P(Implementations, OfConvolution) {
  const Operation run = [](const Tensors& in) {
    return add_depthwise_convolution(in[0], in[1], in[2]);
  };
  for (const auto& sizes : std::vector<std::vector<int64_t>>{
           {2, 7, 6}, {1, 1, 1}, {2, 1, 40}, {1, 40, 1}, {0, 5, 4}, {3, 50, 24}}) {
    for (const int64_t width : {1, 3, 9}) {
      expect_as_reference(
          run, {at::randn(sizes), at::randn(sizes), at::randn({sizes[2], 1, width})},
          "width " + std::to_string(width) + " on " + std::to_string(sizes[1]) + " rows");
    }
  }
  const Operation strided = [](const Tensors& in) {
    return add_depthwise_convolution(in[0].transpose(0, 1), in[1].transpose(1, 2), in[2]);
  };
  expect_as_reference(strided, {at::randn({5, 2, 3}), at::randn({2, 3, 5}), at::randn({3, 1, 5})},
                      "strided");
}

TEST_P(Implementations, OfMovedRows) {
  const at::Device device(GetParam());
  const PackedRows some = chosen_rows({1, 4, 10, 12, 13}, 3, 5, device);
  PackedRows padded = all_rows(2, 4);
  padded.mask = some_keys(2, 4).to(device);
  for (const int64_t width : {1, 3, 8, 130}) {
    const std::string what = "width " + std::to_string(width);
    const auto on_each = [&](const Tensors& in, const PackedRows& rows) {
      PackedRows own = rows;
      for (at::Tensor* const part : {&own.numbers, &own.places, &own.mask}) {
        if (part->defined()) *part = part->to(in[0].device());
      }
      return pad_rows(in[0], own);
    };
    expect_as_reference([&](const Tensors& in) { return on_each(in, some); },
                        {at::randn({5, width})}, what + ", chosen");
    expect_as_reference([&](const Tensors& in) { return on_each({in[0].t()}, padded); },
                        {at::randn({width, 8})}, what + ", padding");
    for (const auto type : {at::kLong, at::kBFloat16, at::kBool}) {
      const at::Tensor x = at::randint(0, 100, {8, width}, at::kLong).to(type);
      const at::Tensor expected =
          x * padded.mask.cpu().flatten().unsqueeze(1).to(type == at::kBool ? at::kBool : type);
      EXPECT_TRUE(at::equal(pad_rows(x.to(device), padded).cpu().flatten(0, 1), expected)) << what;
      EXPECT_TRUE(at::equal(unpad_rows(pad_rows(x.narrow(0, 0, 5).to(device), some), some).cpu(),
                            x.narrow(0, 0, 5)))
          << what;
    }
  }
}

// Equal bit for bit: a run's masks do not depend on the device.
TEST_P(Implementations, OfDropout) {
  for (const double probability : {0.1, 0.5, 0.999}) {
    const DropoutSite site{probability, 0xfedcba9876543210ULL};
    const Operation run = [&](const Tensors& in) { return dropout(in[0], site); };
    const Operation strided = [&](const Tensors& in) { return dropout(in[0].t(), site); };
    for (const auto type : {at::kFloat, at::kDouble}) {
      for (const auto& sizes :
           std::vector<std::vector<int64_t>>{{0}, {1}, {33, 65}, {2, 3, 4, 5}, {1100, 1000}}) {
        for (const Operation& operation : {run, sizes.size() == 2 ? strided : run}) {
          const Tensors inputs{at::randn(sizes)};
          const Outcome expected = reference_outcome(operation, inputs, type);
          const Outcome ours = outcome_of(operation, inputs, GetParam(), type);
          EXPECT_TRUE(at::equal(ours.value, expected.value))
              << at::IntArrayRef(sizes) << " " << probability;
          EXPECT_TRUE(at::equal(ours.gradients[0], expected.gradients[0]))
              << at::IntArrayRef(sizes) << " " << probability;
        }
      }
    }
  }
}

TEST_P(Implementations, OfGelu) {
  for (const auto form : {GeluForm::kExact, GeluForm::kTanh}) {
    const Operation run = [&](const Tensors& in) { return bias_gelu(in[0], in[1], form); };
    for (const auto& [rows, width] :
         std::vector<std::pair<int64_t, int64_t>>{{17, 40}, {1, 1}, {0, 8}, {1, 300}, {300, 1}}) {
      expect_as_reference(run, {at::randn({rows, width}) * 3, at::randn({width})},
                          std::to_string(rows) + " rows of " + std::to_string(width));
    }
  }
}

Operation norm_operation(bool shifted, const DropoutSite& site,
                         at::Tensor (*output)(const ResidualNorm&)) {
  return [=](const Tensors& in) {
    return output(bias_dropout_residual_layer_norm(in[0], in[1], in[2], in[3],
                                                   shifted ? in[4] : at::Tensor(), 1e-5, site));
  };
}

TEST_P(Implementations, OfNorm) {
  const std::vector<std::pair<const char*, at::Tensor (*)(const ResidualNorm&)>> outputs{
      {"both",
       [](const ResidualNorm& norm) {
         return at::cat({norm.sum, norm.normalized});
       }},
      {"the sum", [](const ResidualNorm& norm) { return norm.sum; }},
      {"the norm", [](const ResidualNorm& norm) { return norm.normalized; }}};
  for (const auto& [rows, width] :
       std::vector<std::pair<int64_t, int64_t>>{{21, 48}, {1, 1}, {0, 8}, {1, 300}, {90, 3}}) {
    const Tensors inputs{at::randn({rows, width}), at::randn({width}), at::randn({rows, width}),
                         at::randn({width}), at::randn({width})};
    for (const double probability : {0.0, 0.2}) {
      for (const auto& [name, output] : outputs) {
        for (const bool shifted : {true, false}) {
          expect_as_reference(norm_operation(shifted, {probability, 12}, output), inputs,
                              (shifted ? "LayerNorm of " : "RMSNorm of ") + std::to_string(rows) +
                                  " rows of " + std::to_string(width) + ", " + name);
        }
      }
    }
  }
}

// Rows of a larger matrix drop what they drop in it.
TEST_P(Implementations, OfNormOfSomeRows) {
  constexpr int64_t kWidth = 48;
  const at::DeviceType device = GetParam();
  const at::Tensor rows = at::tensor({0L, 3L, 4L, 17L, 20L}, at::kLong);
  const Tensors inputs{at::randn({5, kWidth}), at::randn({kWidth}), at::randn({5, kWidth}),
                       at::randn({kWidth}), at::randn({kWidth})};
  for (const double probability : {0.0, 0.4}) {
    const DropoutSite site{probability, 12};
    const auto run = [&](const Tensors& in) {
      const ResidualNorm norm =
          bias_dropout_residual_layer_norm(in[0], in[1], in[2], in[3], in[4], 1e-5, site,
                                           NormReaders::kAny, rows.to(in[0].device()));
      return at::cat({norm.sum, norm.normalized});
    };
    expect_as_reference(run, inputs, "rows, dropout " + std::to_string(probability));
    const at::Tensor x = at::randn({21, kWidth}, at::kDouble).to(device);
    const auto to_double = [&](size_t i) { return inputs[i].to(device, at::kDouble); };
    const auto norm_of = [&](const at::Tensor& part, const at::Tensor& which) {
      return bias_dropout_residual_layer_norm(part, to_double(1), {}, to_double(3), to_double(4),
                                              1e-5, site, NormReaders::kAny, which)
          .sum;
    };
    const at::Tensor there = rows.to(device);
    EXPECT_TRUE(at::equal(norm_of(x.index_select(0, there), there).cpu(),
                          norm_of(x, {}).index_select(0, there).cpu()));
  }
}

TEST_P(Implementations, OfNormWithoutBiasAndResidual) {
  const Tensors inputs{at::randn({21, 48}), at::randn({48}), at::randn({48})};
  expect_as_reference([](const Tensors& in) { return layer_norm(in[0], in[1], in[2], 1e-5); },
                      inputs, "LayerNorm");
  expect_as_reference([](const Tensors& in) { return layer_norm(in[0], in[1], {}, 1e-5); }, inputs,
                      "RMSNorm");
}

TEST_P(Implementations, OfLoss) {
  struct Case {
    int64_t rows, width, vocabulary;
  };
  for (const auto& [rows, width, vocabulary] :
       std::vector<Case>{{23, 16, 50}, {1, 1, 1}, {1, 4, 3000}, {0, 4, 9}, {70, 4, 700}}) {
    const at::Tensor labels = at::randint(vocabulary, {rows}, at::kLong);
    const Tensors inputs{at::randn({rows, width}), at::randn({vocabulary, width}),
                         at::randn({vocabulary})};
    const std::string what = std::to_string(rows) + " rows, " + std::to_string(vocabulary);
    const Operation sum = [&](const Tensors& in) {
      return linear_cross_entropy(in[0], in[1], in[2], labels.to(in[0].device()));
    };
    expect_as_reference(sum, inputs, what);
    const Operation rows_alone = [&](const Tensors& in) {
      const at::Tensor losses =
          linear_cross_entropy_rows(in[0], in[1], in[2], labels.to(in[0].device()));
      return losses + 0.0 * in[0].sum();  // these losses have no gradients
    };
    expect_as_reference(rows_alone, inputs, what + ", each");
    const Operation best = [&](const Tensors& in) {
      const RowScores scores =
          linear_cross_entropy_scores(in[0], in[1], in[2], labels.to(in[0].device()));
      return scores.best.to(in[0].scalar_type()) + 0.0 * in[0].sum();
    };
    expect_as_reference(best, inputs, what + ", best");
  }
}

TEST_P(Implementations, OfLossOnOtherStrides) {
  const at::Tensor labels = at::randint(30, {2, 8}, at::kLong).select(1, 3);
  const Operation strided = [&](const Tensors& in) {
    return linear_cross_entropy(in[0].t(), in[1], in[2], labels.to(in[0].device()));
  };
  expect_as_reference(strided, {at::randn({5, 2}), at::randn({30, 5}), at::randn({30})}, "strided");
}

/// The values in bf16, brought back to float: what an operation in bf16 and one in double both get.
at::Tensor rounded(const at::Tensor& x) {
  return x.to(at::kBFloat16).to(at::kFloat);
}

/// An operation on inputs of which the first `num_low` are in bf16, under autocast to bf16 as in
/// training.
Operation with_low_inputs(const Operation& operation, size_t num_low) {
  return [=](const Tensors& in) {
    Tensors mixed = in;
    for (size_t i = 0; i < num_low; ++i) mixed[i] = in[i].to(at::kBFloat16);
    const AutocastScope scope{MixedPrecision(Precision::kBf16)};
    return operation(mixed).to(in[0].scalar_type());
  };
}

// Products give bf16 under mixed precision. An implementation may take it, and give the results
// that only products read in it. Inside it computes in float.
TEST_P(Implementations, OfLowTypes) {
  constexpr double kOneRounding = 1.0 / 256;
  const auto expect_near = [&](const Operation& operation, size_t num_low, const Tensors& inputs,
                               const std::string& what) {
    const Outcome expected = reference_outcome(operation, inputs, at::kDouble);
    const Outcome ours =
        outcome_of(with_low_inputs(operation, num_low), inputs, GetParam(), at::kFloat);
    EXPECT_LT(difference(ours.value, expected.value), kOneRounding) << what;
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LT(difference(ours.gradients[i], expected.gradients[i]), 2 * kOneRounding)
          << what << ", gradient of input " << i;
    }
  };
  for (const int64_t width : std::vector<int64_t>{5, 64, 260}) {
    const std::string wide = " of " + std::to_string(width);
    const at::Tensor x = rounded(at::randn({37, width}));
    for (const auto form : {GeluForm::kExact, GeluForm::kTanh}) {
      expect_near([=](const Tensors& in) { return bias_gelu(in[0], in[1], form); }, 1,
                  {x, at::randn({width})}, "gelu" + wide);
    }
    const Tensors norm_inputs{x, at::randn({width}), at::randn({37, width}), at::randn({width}),
                              at::randn({width})};
    for (const auto readers : {NormReaders::kAny, NormReaders::kProducts}) {
      for (const double probability : {0.0, 0.2}) {
        for (const size_t num_low : std::vector<size_t>{0, 1}) {
          const Operation norm = [=](const Tensors& in) {
            const ResidualNorm result = bias_dropout_residual_layer_norm(
                in[0], in[1], in[2], in[3], in[4], 1e-5, {probability, 5}, readers);
            return at::cat({result.sum, result.normalized.to(result.sum.scalar_type())});
          };
          expect_near(norm, num_low, norm_inputs, "norm" + wide);
        }
      }
    }
    const Tensors convolution_inputs{rounded(at::randn({3, 9, width})),
                                     rounded(at::randn({3, 9, width})), at::randn({width, 1, 5})};
    for (const size_t num_low : std::vector<size_t>{1, 2}) {
      expect_near([](const Tensors& in) { return add_depthwise_convolution(in[0], in[1], in[2]); },
                  num_low, convolution_inputs, "convolution" + wide);
    }
  }
}

TEST_P(Implementations, GiveTheSameBitsAgain) {
  const Tensors inputs{at::randn({700, 96}), at::randn({96}), at::randn({700, 96}), at::randn({96}),
                       at::randn({96})};
  const Operation norm = norm_operation(true, {0.1, 4}, [](const ResidualNorm& result) {
    return at::cat({result.sum, result.normalized});
  });
  const Operation gelu = [](const Tensors& in) { return bias_gelu(in[0], in[1]); };
  const Operation convolution = [](const Tensors& in) {
    return add_depthwise_convolution(in[0].view({7, 100, 96}), in[2].view({7, 100, 96}),
                                     in[3].view({96, 1, 1}).expand({96, 1, 3}));
  };
  for (const Operation& operation : {norm, gelu, convolution}) {
    const Outcome once = outcome_of(operation, inputs, GetParam(), at::kFloat);
    const Outcome again = outcome_of(operation, inputs, GetParam(), at::kFloat);
    EXPECT_TRUE(at::equal(once.value, again.value));
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_TRUE(at::equal(once.gradients[i], again.gradients[i]));
    }
  }
}

TEST(DeviceKernels, TheCpuHasEveryOperation) {
  const DeviceKernels& cpu = device_kernels(at::zeros({1}));
  EXPECT_EQ(cpu.device, at::kCPU);
  EXPECT_NE(cpu.attention, nullptr);
  EXPECT_NE(cpu.convolution, nullptr);
  EXPECT_NE(cpu.dropout, nullptr);
  EXPECT_NE(cpu.gelu, nullptr);
  EXPECT_NE(cpu.loss, nullptr);
  EXPECT_NE(cpu.norm, nullptr);
}

TEST(DeviceKernels, AreHiddenFromNewOperationsByAReferencePath) {
  const at::Tensor x = at::zeros({1});
  EXPECT_EQ(chosen_kernels(x).gelu, device_kernels(x).gelu);
  const ReferencePath path;
  EXPECT_EQ(chosen_kernels(x).gelu, nullptr);
  EXPECT_NE(device_kernels(x).gelu, nullptr);
}

TEST(DeviceKernels, AreNoneOnADeviceThatIsNotListed) {
  const DeviceKernels& none = device_kernels(at::zeros({1}, at::kMeta));
  EXPECT_EQ(none.attention, nullptr);
  EXPECT_EQ(none.dropout, nullptr);
}

TEST(DeviceKernels, OfTheForwardPassServeItsBackwardPass) {
  // A graph made by the CPU's kernels goes back through them, even under a ReferencePath.
  at::Tensor x = at::ones({2, 4}).set_requires_grad(true);
  const at::Tensor y = bias_gelu(x, at::zeros({4}));
  const ReferencePath path;
  const at::Tensor gradient = torch::autograd::grad({y.sum()}, {x})[0];
  EXPECT_NEAR(gradient[0][0].item<double>(), 0.8413447 + 0.2419707, 1e-6);  // Phi(1) + 1 * phi(1)
}

}  // namespace
}  // namespace linformer
