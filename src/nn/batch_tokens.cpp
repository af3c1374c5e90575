#include "linformer/nn/batch_tokens.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <ATen/ATen.h>

#include "linformer/kernels/device_transfer.h"

namespace linformer {

BatchTokens::BatchTokens(const at::Tensor& mask, int64_t num_sequences, int64_t length,
                         at::Device device)
    : device_(device), rows_(all_rows(num_sequences, length)) {
  if (!mask.defined()) return;
  const at::Tensor host = mask.to(at::kCPU).contiguous();
  const bool* is_token = host.const_data_ptr<bool>();
  std::vector<int64_t> lengths;
  std::vector<int64_t> given;
  for (int64_t b = 0; b < num_sequences; ++b) {
    const auto before = static_cast<int64_t>(given.size());
    for (int64_t number = b * length; number < (b + 1) * length; ++number) {
      if (is_token[number]) given.push_back(number);
    }
    lengths.push_back(static_cast<int64_t>(given.size()) - before);
  }
  rows_ = first_rows(lengths, length, device);
  if (rows_.are_all()) return;
  given_ = std::move(given);
  given_on_device_ = send_to_device(at::tensor(given_, at::kLong), device);
}

BatchTokens BatchTokens::with_padding(const at::Tensor& mask) {
  BatchTokens tokens({}, mask.size(0), mask.size(1), mask.device());
  tokens.rows_.mask = mask;
  return tokens;
}

at::Tensor BatchTokens::take(const at::Tensor& x) const {
  const at::Tensor flat = x.flatten(0, 1);
  return rows_.are_all() ? flat : rows_at(flat, given_on_device_);
}

at::Tensor BatchTokens::put_back(const at::Tensor& x) const {
  const int64_t batch = rows_.num_sequences();
  const at::Tensor flat =
      rows_.are_all() ? x : rows_into(x, given_on_device_, batch * rows_.length);
  return flat.view({batch, rows_.length, x.size(1)});
}

at::Tensor BatchTokens::positions() const {
  if (!rows_.are_all()) return rows_.numbers.remainder(rows_.length);
  return at::arange(rows_.length, at::TensorOptions().dtype(at::kLong).device(device_))
      .repeat(rows_.num_sequences());
}

ChosenTokens BatchTokens::choose(const std::vector<int64_t>& wanted) const {
  const int64_t batch = rows_.num_sequences();
  const int64_t length = rows_.length;
  if (rows_.are_all()) {
    ChosenTokens chosen{chosen_rows(wanted, batch, length, device_), {}};
    chosen.index = chosen.rows.numbers;
    return chosen;
  }
  std::vector<int64_t> numbers;
  std::vector<int64_t> index;
  auto next = given_.begin();
  for (const int64_t position : wanted) {
    next = std::lower_bound(next, given_.end(), position);
    if (next == given_.end() || *next != position) {
      throw std::logic_error("an output row at padding");
    }
    const int64_t sequence = position / length;
    index.push_back(next - given_.begin());
    numbers.push_back(sequence * length + index.back() -
                      rows_.starts[static_cast<size_t>(sequence)]);
  }
  return {chosen_rows(numbers, batch, length, device_),
          send_to_device(at::tensor(index, at::kLong), device_)};
}

}  // namespace linformer
