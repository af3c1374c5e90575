#pragma once

#include "linformer/nn/sequence_projection.h"

namespace linformer {

/// Projection by matrices E and F, (k, n), or (H, k, n) with one pair per head.
class MatrixProjection : public SequenceProjection {
 public:
  KeyValue project(const ProjectionInput& input) const override;
};

}  // namespace linformer
