#include "linformer/kernels/masked_lm_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "gemm.h"
#include "parallel_sums.h"
#include "vector_math.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

constexpr int64_t kMaxLogits = 16 << 20;  // 64 MiB of float: larger pieces leave the caches anyway

int64_t piece_rows(int64_t vocabulary) {
  return std::max<int64_t>(16, kMaxLogits / vocabulary);
}

/// Adds the bias to a row of logits, returns the cross-entropy; the row becomes exp(logit - max)
/// and `normalizer` their sum.
template <class T>
T row_loss(T* logits, const T* bias, int64_t vocabulary, int64_t label, T& normalizer) {
  T largest = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t v = 0; v < vocabulary; ++v) {
    logits[v] += bias[v];
    largest = logits[v] > largest ? logits[v] : largest;
  }
  const T target = logits[label];
  // Sums of short blocks in T, added up in double: one long sum of floats loses digits.
  constexpr int64_t kBlock = 1024;
  double total = 0.0;
  for (int64_t first = 0; first < vocabulary; first += kBlock) {
    const int64_t last = std::min(first + kBlock, vocabulary);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t v = first; v < last; ++v) {
      logits[v] = fast_exp(logits[v] - largest);
      sum += logits[v];
    }
    total += static_cast<double>(sum);
  }
  normalizer = static_cast<T>(total);
  return largest + static_cast<T>(std::log(total)) - target;
}

/// Turns exp(logit - max) into softmax - one_hot(label) and adds it to the bias gradient.
template <class T>
void row_gradient(T* row, T* grad_bias, int64_t vocabulary, int64_t label, T normalizer) {
  const T inverse = T(1) / normalizer;
#pragma omp simd
  for (int64_t v = 0; v < vocabulary; ++v) row[v] *= inverse;
  row[label] -= T(1);
#pragma omp simd
  for (int64_t v = 0; v < vocabulary; ++v) grad_bias[v] += row[v];
}

/// hidden (M, C) W^T, split over the vocabulary: BLAS splits the few rows instead, and then every
/// thread reads all of W.
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

struct Gradients {
  at::Tensor hidden, weight, bias;
};

/// The output matrix as the products take it. Its gradients are formed in the forward pass, before
/// a loss scale could lift them into the range of fp16, so only bf16 is taken here.
struct Decoder {
  at::Tensor weight;  // (V, C) as it is
  at::Tensor low;     // its copy in bf16; undefined = products in the weight's own type
};

Decoder decoder_of(const at::Tensor& weight) {
  const bool low = AutocastScope::current().type() == at::kBFloat16;
  return {weight, low ? cast_weight(weight).detach() : at::Tensor()};
}

/// hidden (M, C) W^T in the type of `hidden`.
at::Tensor logits_of(const at::Tensor& hidden, const Decoder& decoder) {
  if (!decoder.low.defined()) return multiply_by_words(hidden, decoder.weight);
  return at::mm(hidden.to(decoder.low.scalar_type()), decoder.low.t()).to(hidden.scalar_type());
}

/// Adds a piece's gradients of the hidden states and of the weight.
void add_gradients(const at::Tensor& grad_logits, const at::Tensor& piece, const Decoder& decoder,
                   at::Tensor grad_piece, at::Tensor& grad_weight) {
  if (decoder.low.defined()) {
    const at::ScalarType type = decoder.low.scalar_type();
    const at::Tensor low = grad_logits.to(type);
    grad_piece.copy_(at::mm(low, decoder.low));
    const at::Tensor product = at::mm(low.t(), piece.to(type)).to(piece.scalar_type());
    grad_weight = grad_weight.defined() ? grad_weight.add_(product) : product;
    return;
  }
  at::mm_out(grad_piece, grad_logits, decoder.weight);
  if (grad_weight.defined()) {
    grad_weight.addmm_(grad_logits.t(), piece);
  } else {
    grad_weight = at::mm(grad_logits.t(), piece);
  }
}

/// Losses of all rows (M); with `grads`, also the gradients of their sum.
at::Tensor work_through(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                        const at::Tensor& labels, Gradients* grads) {
  const int64_t rows = hidden.size(0);
  const int64_t vocabulary = weight.size(0);
  const int64_t step = piece_rows(vocabulary);
  const Decoder decoder = decoder_of(weight);
  const AutocastScope own_types{MixedPrecision()};
  at::Tensor losses = at::empty({rows}, hidden.options());
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    const at::Tensor piece = hidden.narrow(0, first, count);
    at::Tensor logits = logits_of(piece, decoder);
    const int64_t* label = labels.data_ptr<int64_t>() + first;
    AT_DISPATCH_FLOATING_TYPES(hidden.scalar_type(), "linear_cross_entropy", [&] {
      scalar_t* data = logits.data_ptr<scalar_t>();
      scalar_t* loss = losses.data_ptr<scalar_t>() + first;
      const scalar_t* offset = bias.data_ptr<scalar_t>();
      const int64_t width = grads == nullptr ? 1 : vocabulary;
      const at::Tensor bias_sums = parallel_row_sums<scalar_t>(
          count, width, hidden.options(), [&](int64_t begin, int64_t end, scalar_t* sums) {
            for (int64_t r = begin; r < end; ++r) {
              scalar_t* row = data + r * vocabulary;
              scalar_t normalizer = 0;
              loss[r] = row_loss(row, offset, vocabulary, label[r], normalizer);
              if (grads != nullptr) row_gradient(row, sums, vocabulary, label[r], normalizer);
            }
          });
      if (grads != nullptr) {
        grads->bias = grads->bias.defined() ? grads->bias.add_(bias_sums) : bias_sums.contiguous();
      }
    });
    if (grads == nullptr) continue;
    add_gradients(logits, piece, decoder, grads->hidden.narrow(0, first, count), grads->weight);
  }
  return losses;
}

at::Tensor sum_in_double(const at::Tensor& losses) {
  return losses.sum(at::kDouble).to(losses.scalar_type());
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& hidden,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& labels) {
    Gradients grads;
    grads.hidden = at::empty_like(hidden);
    const at::Tensor losses = work_through(hidden, weight, bias, labels, &grads);
    ctx->save_for_backward({grads.hidden, grads.weight, grads.bias});
    return sum_in_double(losses);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    auto saved = ctx->get_saved_variables();
    const double upstream = grads[0].item<double>();
    if (upstream != 1.0) {
      for (at::Tensor& gradient : saved) gradient = gradient * upstream;
    }
    return {saved[0], saved[1], saved[2], at::Tensor()};
  }
};

/// The same out of ATen's operations, for other devices: the logits exist as a whole.
at::Tensor composed_losses(const at::Tensor& hidden, const at::Tensor& weight,
                           const at::Tensor& bias, const at::Tensor& labels) {
  const at::Tensor logits = to_full(at::mm(hidden, cast_weight(weight).t())) + bias;
  return at::logsumexp(logits, {1}) - logits.gather(1, labels.unsqueeze(1)).squeeze(1);
}

void check(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
           const at::Tensor& labels) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1) &&
                  bias.size(0) == weight.size(0) && labels.size(0) == hidden.size(0),
              "linear_cross_entropy takes hidden (M, C), weight (V, C), bias (V), labels (M)");
}

}  // namespace

at::Tensor linear_cross_entropy(const at::Tensor& hidden_in, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& labels) {
  const at::Tensor hidden = to_full(hidden_in);
  check(hidden, weight, bias, labels);
  if (hidden.size(0) == 0) return hidden.sum() + weight.narrow(0, 0, 1).sum() * 0.0;
  if (takes_composed_path(hidden)) {
    return sum_in_double(composed_losses(hidden, weight, bias, labels));
  }
  if (!at::GradMode::is_enabled()) {
    return sum_in_double(
        work_through(hidden.contiguous(), weight, bias, labels.contiguous(), nullptr));
  }
  return LinearCrossEntropy::apply(hidden.contiguous(), weight, bias, labels.contiguous());
}

at::Tensor linear_cross_entropy_rows(const at::Tensor& hidden_in, const at::Tensor& weight,
                                     const at::Tensor& bias, const at::Tensor& labels) {
  const at::Tensor hidden = to_full(hidden_in);
  check(hidden, weight, bias, labels);
  const at::NoGradGuard no_grad;
  if (takes_composed_path(hidden)) return composed_losses(hidden, weight, bias, labels);
  return work_through(hidden.contiguous(), weight, bias, labels.contiguous(), nullptr);
}

}  // namespace linformer
