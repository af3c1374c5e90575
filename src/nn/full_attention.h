#pragma once

#include "attend.h"

#include "linformer/nn/attention.h"

namespace linformer {

/// Attention over keys and values of all N positions, or of those in a window.
class FullAttention : public Attention {
 public:
  explicit FullAttention(Attend attend) : attend_(attend) {}

  at::Tensor forward(const AttentionInput& input, ForwardContext& context) const override {
    const at::Tensor query = apply(input.x_of_queries, input.query);
    const at::Tensor value =
        input.full_value.defined() ? input.full_value : apply(input.x, input.value);
    return attend_(input, query, {apply(input.x, input.key), value}, input.tokens, context);
  }

 private:
  Attend attend_;
};

}  // namespace linformer
