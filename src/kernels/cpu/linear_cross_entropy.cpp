#include "linformer/kernels/linear_cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../int8_product.h"
#include "element_loops.h"
#include "gemm.h"
#include "kernels.h"
#include "parallel_sums.h"
#include "weight_product.h"

namespace linformer::cpu {
namespace {

constexpr int64_t kMaxLogits = 16 << 20;  // 64 MiB of float; larger chunks exceed the caches anyway

int64_t piece_rows(int64_t vocabulary) {
  return std::max<int64_t>(16, kMaxLogits / vocabulary);
}

/// hidden (M, C) W^T, split over the vocabulary. BLAS would split the few rows instead, and then
/// every thread would read the whole W.
at::Tensor multiply_by_words(const at::Tensor& hidden, const at::Tensor& weight) {
  constexpr int64_t kWords = 256;  // 256 rows of W stay in the second-level cache
  const int64_t rows = hidden.size(0);
  const int64_t width = hidden.size(1);
  const int64_t vocabulary = weight.size(0);
  at::Tensor logits = at::empty({rows, vocabulary}, hidden.options());
  AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "multiply_by_words", [&] {
    const scalar_t* h = hidden.data_ptr<scalar_t>();
    const scalar_t* w = weight.data_ptr<scalar_t>();
    scalar_t* out = logits.data_ptr<scalar_t>();
    const int64_t pieces = (vocabulary + kWords - 1) / kWords;
    at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t first = piece * kWords;
        gemm<scalar_t>(Transpose::kNo, Transpose::kYes, rows, std::min(kWords, vocabulary - first),
                       width, scalar_t(1), h, width, w + first * width, width, scalar_t(0),
                       out + first, vocabulary);
      }
    });
  });
  return logits;
}

bool in_onednn(const at::Tensor& x) {
  return x.numel() > 0 && has_float_products(x.scalar_type());
}

/// hidden (M, C) W^T in the type of `hidden`.
at::Tensor logits_of(const at::Tensor& hidden, const LossInputs& in) {
  if (const auto logits = int8_product(hidden, in.weight, {})) return *logits;
  if (!in.low_weight.defined()) {
    return in_onednn(hidden) ? multiply_floats(hidden, in.weight)
                             : multiply_by_words(hidden, in.weight);
  }
  const at::ScalarType type = in.low_weight.scalar_type();
  return multiply_low(hidden.to(type), in.low_weight).to(hidden.scalar_type());
}

/// Adds the gradients of one chunk for the hidden states and the weight.
void add_gradients(const at::Tensor& grad_logits, const at::Tensor& piece, const LossInputs& in,
                   at::Tensor grad_piece, at::Tensor& grad_weight) {
  if (in.low_weight.defined()) {
    const at::ScalarType type = in.low_weight.scalar_type();
    const at::Tensor low = grad_logits.to(type);
    grad_piece.copy_(multiply_low(low, in.low_weight.t()));
    const at::Tensor product = multiply_low_over_rows(low, piece.to(type)).to(piece.scalar_type());
    grad_weight = grad_weight.defined() ? grad_weight.add_(product) : product;
    return;
  }
  if (in_onednn(piece)) {
    grad_piece.copy_(multiply_floats(grad_logits, in.weight.t()));
    const at::Tensor product = multiply_floats(grad_logits.t(), piece.t());
    grad_weight = grad_weight.defined() ? grad_weight.add_(product) : product;
    return;
  }
  at::mm_out(grad_piece, grad_logits, in.weight);
  if (grad_weight.defined()) {
    grad_weight.addmm_(grad_logits.t(), piece);
  } else {
    grad_weight = at::mm(grad_logits.t(), piece);
  }
}

/// Writes the losses of rows [first, first + count), and into `best`, if not null, their best
/// words. With `grad_bias`, the logits become their own gradient, and its sum over the rows is
/// added to the gradient of the bias.
void work_through_rows(const LossInputs& in, at::Tensor& logits, int64_t first, at::Tensor& losses,
                       at::Tensor* best, at::Tensor* grad_bias) {
  const int64_t vocabulary = in.weight.size(0);
  const int64_t* label = in.labels.data_ptr<int64_t>() + first;
  int64_t* const word = best == nullptr ? nullptr : best->data_ptr<int64_t>() + first;
  AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "linear_cross_entropy", [&] {
    const LossLoops<scalar_t>& loops = element_loops();
    scalar_t* data = logits.data_ptr<scalar_t>();
    scalar_t* loss = losses.data_ptr<scalar_t>() + first;
    const scalar_t* offset = in.bias.data_ptr<scalar_t>();
    const int64_t width = grad_bias == nullptr ? 1 : vocabulary;
    const at::Tensor bias_sums = parallel_row_sums<scalar_t>(
        logits.size(0), width, logits.options(), [&](int64_t begin, int64_t end, scalar_t* sums) {
          for (int64_t r = begin; r < end; ++r) {
            scalar_t* row = data + r * vocabulary;
            scalar_t normalizer = 0;
            const bool ignored = label[r] == kIgnoredLabel;
            loss[r] = loops.row_loss(row, offset, vocabulary, ignored ? 0 : label[r], normalizer,
                                     word == nullptr ? nullptr : word + r);
            if (ignored) loss[r] = 0;
            if (grad_bias == nullptr) continue;
            if (ignored) {
              std::fill(row, row + vocabulary, scalar_t(0));
              continue;
            }
            loops.row_loss_gradient(row, sums, vocabulary, label[r], normalizer);
          }
        });
    if (grad_bias == nullptr) return;
    *grad_bias = grad_bias->defined() ? grad_bias->add_(bias_sums) : bias_sums.contiguous();
  });
}

/// Losses of all rows (M); with `best`, also the best words (M); with `grads`, also the gradients
/// of the sum of the losses.
at::Tensor work_through(const LossInputs& in, at::Tensor* best, LossGradients* grads) {
  const int64_t rows = in.hidden.size(0);
  const int64_t step = piece_rows(in.weight.size(0));
  at::Tensor losses = at::empty({rows}, in.hidden.options());
  if (best != nullptr) *best = at::empty({rows}, in.labels.options());
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    const at::Tensor piece = in.hidden.narrow(0, first, count);
    at::Tensor logits = logits_of(piece, in);
    work_through_rows(in, logits, first, losses, best, grads == nullptr ? nullptr : &grads->bias);
    if (grads == nullptr) continue;
    add_gradients(logits, piece, in, grads->hidden.narrow(0, first, count), grads->weight);
  }
  return losses;
}

at::Tensor losses_of(const LossInputs& in, at::Tensor* best) {
  return work_through(in, best, nullptr);
}

LossGradients losses_and_gradients(const LossInputs& in) {
  LossGradients grads;
  grads.hidden = at::empty_like(in.hidden);
  grads.losses = work_through(in, nullptr, &grads);
  return grads;
}

}  // namespace

const LossKernels loss_kernels{losses_of, losses_and_gradients};

}  // namespace linformer::cpu
