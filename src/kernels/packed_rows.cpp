#include "linformer/kernels/packed_rows.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "implementations.h"
#include "packed_rows_kernels.h"
#include "reference/kernels.h"

#include "linformer/kernels/device_transfer.h"

namespace linformer {
namespace {

at::Tensor gather(const at::Tensor& x, const at::Tensor& index) {
  return x.index_select(0, index);
}

at::Tensor scatter(const at::Tensor& x, const at::Tensor& index, int64_t count) {
  at::Tensor target = at::zeros({count, x.size(1)}, x.options());
  if (const RowKernels* kernels = chosen_kernels(x).rows) {
    kernels->place(x.contiguous(), index, target);
  } else {
    reference::place_rows(x, index, target);
  }
  return target;
}

/// x (R, C) with zeros in the rows where `mask` (R) is false.
at::Tensor keep(const at::Tensor& x, const at::Tensor& mask) {
  const RowKernels* const kernels = chosen_kernels(x).rows;
  return kernels ? kernels->keep(x.contiguous(), mask.contiguous()) : reference::keep_rows(x, mask);
}

// Gathering and scattering are each other's backward pass, since no index occurs twice. LibTorch
// would add up gradients by index, which is slow.
class RowsAt : public torch::autograd::Function<RowsAt> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& index) {
    ctx->save_for_backward({index});
    ctx->saved_data["count"] = x.size(0);
    return gather(x, index);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {scatter(grads[0], ctx->get_saved_variables()[0], ctx->saved_data["count"].toInt()),
            at::Tensor()};
  }
};

class RowsInto : public torch::autograd::Function<RowsInto> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& index, int64_t count) {
    ctx->save_for_backward({index});
    return scatter(x, index, count);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {gather(grads[0], ctx->get_saved_variables()[0]), at::Tensor(), at::Tensor()};
  }
};

class KeptRows : public torch::autograd::Function<KeptRows> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& mask) {
    ctx->save_for_backward({mask});
    return keep(x, mask);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {keep(grads[0], ctx->get_saved_variables()[0]), at::Tensor()};
  }
};

at::Tensor numbers_on(at::Device device, const std::vector<int64_t>& values) {
  return send_to_device(at::tensor(values, at::kLong), device);
}

/// (B, most) bool, true at the first counts[b] places.
at::Tensor mask_of(const std::vector<int64_t>& counts, int64_t most, at::Device device) {
  const at::Tensor limits = numbers_on(device, counts).unsqueeze(1);
  return at::arange(most, limits.options()).unsqueeze(0).lt(limits);
}

std::vector<int64_t> starts_of(const std::vector<int64_t>& counts) {
  std::vector<int64_t> starts{0};
  std::partial_sum(counts.begin(), counts.end(), std::back_inserter(starts));
  return starts;
}

}  // namespace

PackedRows all_rows(int64_t num_sequences, int64_t length) {
  PackedRows rows;
  for (int64_t b = 0; b <= num_sequences; ++b) rows.starts.push_back(b * length);
  rows.length = length;
  rows.most = length;
  return rows;
}

PackedRows first_rows(const std::vector<int64_t>& lengths, int64_t length, at::Device device) {
  const bool all =
      std::all_of(lengths.begin(), lengths.end(), [&](int64_t own) { return own == length; });
  if (all) return all_rows(static_cast<int64_t>(lengths.size()), length);
  PackedRows rows;
  rows.starts = starts_of(lengths);
  rows.length = length;
  rows.most = length;
  std::vector<int64_t> numbers;
  numbers.reserve(static_cast<size_t>(rows.num_rows()));
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int64_t i = 0; i < lengths[b]; ++i) {
      numbers.push_back(static_cast<int64_t>(b) * length + i);
    }
  }
  rows.numbers = numbers_on(device, numbers);
  rows.places = rows.numbers;
  rows.mask = mask_of(lengths, length, device);
  return rows;
}

PackedRows chosen_rows(const std::vector<int64_t>& numbers, int64_t num_sequences, int64_t length,
                       at::Device device, int64_t least_most) {
  if (!numbers.empty() && (numbers.front() < 0 || numbers.back() >= num_sequences * length)) {
    throw std::logic_error("a row outside of the batch");
  }
  std::vector<int64_t> counts(static_cast<size_t>(num_sequences), 0);
  std::vector<int64_t> positions;
  std::vector<int64_t> ranks;
  for (const int64_t number : numbers) {
    positions.push_back(number % length);
    ranks.push_back(counts[static_cast<size_t>(number / length)]++);
  }
  PackedRows rows;
  rows.starts = starts_of(counts);
  rows.length = length;
  // At least one, so that no tensor is without rows.
  rows.most = std::max<int64_t>(
      {1, least_most, counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end())});
  std::vector<int64_t> places;
  for (size_t r = 0; r < numbers.size(); ++r) {
    places.push_back(numbers[r] / length * rows.most + ranks[r]);
  }
  rows.numbers = numbers_on(device, numbers);
  rows.places = numbers_on(device, places);
  rows.positions = numbers_on(device, positions);
  rows.mask = mask_of(counts, rows.most, device);
  return rows;
}

at::Tensor rows_at(const at::Tensor& x, const at::Tensor& index) {
  return RowsAt::apply(x, index);
}

at::Tensor rows_into(const at::Tensor& x, const at::Tensor& index, int64_t count) {
  return RowsInto::apply(x, index, count);
}

at::Tensor pad_rows(const at::Tensor& x, const PackedRows& rows) {
  const int64_t batch = rows.num_sequences();
  at::Tensor full = x;
  if (rows.have_padding()) {
    full = KeptRows::apply(x, rows.mask.flatten());
  } else if (!rows.are_all()) {
    full = rows_into(x, rows.places, batch * rows.most);
  }
  return full.view({batch, rows.most, x.size(1)});
}

at::Tensor unpad_rows(const at::Tensor& x, const PackedRows& rows) {
  const at::Tensor flat = x.flatten(0, 1);
  return rows.are_all() ? flat : rows_at(flat, rows.places);
}

}  // namespace linformer
