#include "linformer/analysis/encoder_benchmark.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "linformer/analysis/step_benchmark.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/special_tokens.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/tensor_memory.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/model_cost.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kVocabulary = 1000;  // its size changes neither time nor memory noticeably
constexpr int64_t kFloatBytes = 4;

/// An encoder with its weights. Both standard variants use one.
struct BuiltEncoder {
  BuiltEncoder(const ModelConfig& config, c10::Device device)
      : parameters(1, at::kFloat, device), encoder(config, parameters) {}

  int64_t weight_bytes() const { return kFloatBytes * parameters.count(); }

  ParameterSet parameters;
  Encoder encoder;
};

/// A cell while it is measured.
struct Subject {
  EncoderCell* cell = nullptr;
  ModelConfig config;
  std::shared_ptr<const BuiltEncoder> built;  // null if nothing is run

  bool unfused() const { return cell->variant == "standard_unfused"; }
};

struct Sample {
  double seconds = 0.0;
  int64_t bytes = 0;  // peak, weights of this encoder included
};

ModelConfig config_of(const EncoderBenchmarkOptions& options, int64_t n, std::optional<int64_t> k) {
  ModelConfig config;
  config.vocab_size = kVocabulary;
  config.hidden_size = options.hidden_size;
  config.num_attention_heads = options.num_attention_heads;
  config.num_hidden_layers = options.num_hidden_layers;
  config.intermediate_size = 4 * options.hidden_size;
  config.max_sequence_length = n;
  config.attention.type = k ? AttentionType::kLinformer : AttentionType::kStandard;
  config.attention.sharing = SharingMode::kLayerwise;
  if (k) config.attention.projected_length = *k;
  config.validate();
  return config;
}

/// The n x n matrices that unfused attention holds at one time: scores and probabilities.
double matrix_bytes(const ModelConfig& config) {
  const auto n = static_cast<double>(config.max_sequence_length);
  return 2.0 * kFloatBytes * static_cast<double>(config.num_attention_heads) * n * n;
}

/// Bytes that so many sequences need at least: the weights, and for each sequence the matrices and
/// the widest pair of hidden states.
double least_bytes(const Subject& subject, double sequences) {
  const ModelConfig& config = subject.config;
  const auto n = static_cast<double>(config.max_sequence_length);
  const auto width = static_cast<double>(config.hidden_size + config.intermediate_size);
  const double weights = kWeightBytes * static_cast<double>(count_parameters(config).total());
  const double each = kFloatBytes * n * width + (subject.unfused() ? matrix_bytes(config) : 0.0);
  return weights + sequences * each;
}

at::Tensor random_ids(int64_t batch, int64_t n, c10::Device device) {
  const at::Generator generator = at::detail::createCPUGenerator(/*seed=*/1);
  return at::randint(kUnkId + 1, kVocabulary, {batch, n}, generator, at::kLong).to(device);
}

/// One forward pass of all rows, `rows_at_a_time` together.
Sample run_forward(const BuiltEncoder& built, bool unfused, const at::Tensor& ids,
                   int64_t rows_at_a_time) {
  const at::NoGradGuard no_grad;
  const c10::Device device = ids.device();
  wait_for_device(device);
  reset_peak_tensor_memory(device);
  const int64_t live = tensor_memory(device).live_bytes;
  const auto start = Clock::now();
  for (const at::Tensor& part : ids.split(rows_at_a_time)) {
    ForwardContext evaluation;
    evaluation.set_unfused_attention(unfused);
    built.encoder.forward(EncoderInput{part, {}, {}}, evaluation);
  }
  wait_for_device(device);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {seconds, tensor_memory(device).peak_bytes - live + built.weight_bytes()};
}

/// From one row and, if `two_fit`, from two. Without the second, all beside the weights counts as
/// the row's.
ForwardMemory measure_memory(const BuiltEncoder& built, bool unfused, const at::Tensor& ids,
                             bool two_fit) {
  const int64_t one = run_forward(built, unfused, ids.narrow(0, 0, 1), 1).bytes;
  if (!two_fit) return {built.weight_bytes(), one - built.weight_bytes()};
  const int64_t two = run_forward(built, unfused, ids.narrow(0, 0, 2), 2).bytes;
  return {2 * one - two, two - one};
}

int64_t divided_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// Sequences that fit into this much memory.
int64_t largest_batch(const ForwardMemory& memory, int64_t bytes) {
  return std::max<int64_t>(0, (bytes - memory.fixed) / memory.per_sequence);
}

std::optional<double> seconds_of(const EncoderCell& cell) {
  if (cell.seconds.empty()) return cell.predicted_seconds;
  return median(cell.seconds);
}

/// The time of a pass, from the cell of the same variant at the length before.
std::optional<double> predict_seconds(const EncoderCell& cell, const EncoderCell* before) {
  if (before == nullptr || !seconds_of(*before)) return std::nullopt;
  const auto flops = [](const EncoderCell& one) {
    return one.flops_per_token * static_cast<double>(one.batch_size * one.n);
  };
  return *seconds_of(*before) * flops(cell) / flops(*before);
}

std::optional<double> ratio(std::optional<double> numerator, std::optional<double> denominator) {
  if (!numerator || !denominator || *denominator == 0.0) return std::nullopt;
  return *numerator / *denominator;
}

class EncoderBenchmark {
 public:
  explicit EncoderBenchmark(const EncoderBenchmarkOptions& options) : options_(options) {}

  std::vector<EncoderCell> run() {
    for (const int64_t n : options_.lengths) {
      measure_length(n);
      if (stop_signal() != 0) return {};
      release_cached_tensor_memory(options_.device);
    }
    return std::move(cells_);
  }

 private:
  void measure_length(int64_t n) {
    const int64_t batch = std::max<int64_t>(1, options_.num_tokens / n);
    std::vector<EncoderCell> cells = cells_of(n, batch);
    const at::Tensor ids = random_ids(std::max<int64_t>(2, batch), n, options_.device);
    std::vector<Subject> subjects = prepare(cells, ids);
    for (int64_t repeat = 0; repeat <= options_.num_repeats; ++repeat) {
      for (Subject& subject : subjects) {
        if (stop_signal() != 0) return;
        if (subject.cell->status != EncoderCellStatus::kMeasured) continue;
        const Sample sample =
            run_forward(*subject.built, subject.unfused(), ids.narrow(0, 0, batch),
                        subject.cell->sequences_at_a_time);
        if (repeat == 0) {
          subject.cell->peak_bytes = sample.bytes;
        } else {
          subject.cell->seconds.push_back(sample.seconds);
        }
      }
    }
    compare(cells);
    report(cells);
    cells_.insert(cells_.end(), cells.begin(), cells.end());
  }

  std::vector<EncoderCell> cells_of(int64_t n, int64_t batch) const {
    std::vector<EncoderCell> cells;
    const auto add = [&](const std::string& variant, std::optional<int64_t> k) {
      EncoderCell& cell = cells.emplace_back();
      cell.variant = variant;
      cell.n = n;
      cell.k = k;
      cell.batch_size = batch;
      cell.flops_per_token = encoder_flops_per_token(config_of(options_, n, k));
    };
    add("standard", std::nullopt);
    add("standard_unfused", std::nullopt);
    for (const int64_t k : options_.projected_lengths) {
      if (k < n) add("linformer", k);
    }
    return cells;
  }

  const EncoderCell* cell_before(const EncoderCell& cell) const {
    const auto found = std::find_if(cells_.rbegin(), cells_.rend(), [&](const EncoderCell& one) {
      return one.variant == cell.variant && one.k == cell.k;
    });
    return found == cells_.rend() ? nullptr : &*found;
  }

  /// Builds what will run, and measures its memory.
  std::vector<Subject> prepare(std::vector<EncoderCell>& cells, const at::Tensor& ids) const {
    std::vector<Subject> subjects;
    std::shared_ptr<const BuiltEncoder> standard;
    for (EncoderCell& cell : cells) {
      Subject& subject = subjects.emplace_back();
      subject.cell = &cell;
      subject.config = config_of(options_, cell.n, cell.k);
      const double least = least_bytes(subject, 1);
      if (least > static_cast<double>(options_.memory_bytes)) cell.largest_batch = 0;
      if (least > static_cast<double>(options_.max_bytes)) {
        cell.status = EncoderCellStatus::kTooLarge;
        continue;
      }
      const std::optional<double> predicted = predict_seconds(cell, cell_before(cell));
      if (predicted && *predicted > options_.max_seconds) {
        cell.status = EncoderCellStatus::kTooSlow;
        cell.predicted_seconds = predicted;
        const auto three_rows = 3.0 * *predicted / static_cast<double>(cell.batch_size);
        if (three_rows > options_.max_seconds) continue;
      }
      if (stop_signal() != 0) return subjects;
      if (!cell.k && standard) {
        subject.built = standard;
      } else {
        subject.built = std::make_shared<BuiltEncoder>(subject.config, options_.device);
      }
      if (!cell.k) standard = subject.built;
      measure_memory_of(subject, ids);
    }
    return subjects;
  }

  void measure_memory_of(Subject& subject, const at::Tensor& ids) const {
    EncoderCell& cell = *subject.cell;
    const bool two_fit = least_bytes(subject, 2) <= static_cast<double>(options_.max_bytes);
    cell.memory = measure_memory(*subject.built, subject.unfused(), ids, two_fit);
    cell.largest_batch = largest_batch(*cell.memory, options_.memory_bytes);
    const int64_t fitting = largest_batch(*cell.memory, options_.max_bytes);
    if (fitting == 0) {
      cell.status = EncoderCellStatus::kTooLarge;
    } else {
      const int64_t parts = divided_up(cell.batch_size, fitting);
      cell.sequences_at_a_time = divided_up(cell.batch_size, parts);
    }
  }

  /// Fills in the ratios of the cells of one length, which begin with both standard ones.
  static void compare(std::vector<EncoderCell>& cells) {
    const auto time = [](const EncoderCell& cell) -> std::optional<double> {
      if (cell.seconds.empty()) return std::nullopt;
      return median(cell.seconds);
    };
    const auto batch = [](const EncoderCell& cell) -> std::optional<double> {
      if (!cell.largest_batch) return std::nullopt;
      return static_cast<double>(*cell.largest_batch);
    };
    const EncoderCell fused = cells.at(0);
    const EncoderCell unfused = cells.at(1);
    for (EncoderCell& cell : cells) {
      cell.time_saved_vs_fused = ratio(time(fused), time(cell));
      cell.time_saved_vs_unfused = ratio(time(unfused), time(cell));
      cell.memory_saved_vs_fused = ratio(batch(cell), batch(fused));
      cell.memory_saved_vs_unfused = ratio(batch(cell), batch(unfused));
      if (cell.k) cell.flop_bound = fused.flops_per_token / cell.flops_per_token;
    }
  }

  static void report(const std::vector<EncoderCell>& cells) {
    std::string line = "n = " + format_count(cells.front().n);
    for (const EncoderCell& cell : cells) {
      line += (&cell == &cells.front() ? ": " : ", ") +
              (cell.k ? "k = " + format_count(*cell.k) : cell.variant) + " ";
      if (cell.status == EncoderCellStatus::kTooLarge) {
        line += "too large";
      } else if (cell.status == EncoderCellStatus::kTooSlow) {
        line += "too slow";
      } else {
        line += format_number(median(cell.seconds), 3) + " s";
      }
    }
    log_info(line);
  }

  const EncoderBenchmarkOptions& options_;
  std::vector<EncoderCell> cells_;
};

}  // namespace

std::vector<EncoderCell> benchmark_encoder(const EncoderBenchmarkOptions& options) {
  return EncoderBenchmark(options).run();
}

int64_t measure_forward_bytes(const ModelConfig& config, bool unfused, int64_t num_sequences) {
  const BuiltEncoder built(config, at::kCPU);
  const at::Tensor ids = random_ids(num_sequences, config.max_sequence_length, at::kCPU);
  return run_forward(built, unfused, ids, num_sequences).bytes;
}

}  // namespace linformer
