#include "linformer/analysis/encoder_benchmark.h"

#include <gtest/gtest.h>

#include "linformer/kernels/caching_allocator.h"

namespace linformer {
namespace {

struct Case {
  const char* name;
  AttentionType type;
  bool unfused;
};

TEST(EncoderBenchmark, MemoryIsAStraightLineInTheBatch) {
  install_caching_allocator();
  ModelConfig config;
  config.vocab_size = 1000;
  config.hidden_size = 64;
  config.num_attention_heads = 4;
  config.num_hidden_layers = 2;
  config.intermediate_size = 256;
  config.max_sequence_length = 256;
  config.attention.sharing = SharingMode::kLayerwise;
  config.attention.projected_length = 64;
  for (const Case& one : {Case{"standard", AttentionType::kStandard, false},
                          Case{"standard_unfused", AttentionType::kStandard, true},
                          Case{"linformer", AttentionType::kLinformer, false}}) {
    config.attention.type = one.type;
    const auto bytes = [&](int64_t batch) {
      return measure_forward_bytes(config, one.unfused, batch);
    };
    const int64_t slope = bytes(2) - bytes(1);
    const int64_t predicted = bytes(1) + 10 * slope;
    EXPECT_NEAR(static_cast<double>(bytes(11)), static_cast<double>(predicted), 0.01 * predicted)
        << one.name;
    // At least the wide hidden state of the feed-forward block and one of the residual stream.
    EXPECT_GT(slope, 256 * (256 + 64) * 4) << one.name;
    // Scores and probabilities: 2 x 4 heads x 256 x 256 floats.
    EXPECT_EQ(slope > 2 * 4 * 256 * 256 * 4, one.unfused) << one.name;
  }
}

}  // namespace
}  // namespace linformer
