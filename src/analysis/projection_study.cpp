#include "linformer/analysis/projection_study.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <ATen/ATen.h>

#include "one_thread.h"

#include "linformer/analysis/attention_matrices.h"
#include "linformer/analysis/finite_outputs.h"
#include "linformer/analysis/projection_error.h"
#include "linformer/analysis/row_sample.h"
#include "linformer/core/stop_signal.h"
#include "linformer/metrics/statistics.h"

namespace linformer {
namespace {

/// The errors of one head at one k.
struct Samples {
  std::vector<double> random, best, of_bound, of_output;
};

/// The samples of one head: of each k in a standard layer, else one with the learned errors.
struct HeadSamples {
  AttentionType type = AttentionType::kStandard;
  int64_t k = 0;  // of a linformer layer
  std::vector<Samples> by_k;
};

using AllSamples = std::map<std::pair<int64_t, int64_t>, HeadSamples>;  // by layer and head

void append(std::vector<double>& all, const at::Tensor& errors) {
  const at::Tensor flat = errors.contiguous();
  const double* begin = flat.const_data_ptr<double>();
  all.insert(all.end(), begin, begin + flat.numel());
}

/// Draws[k][draw].
using Draws = std::vector<std::vector<at::Tensor>>;

Draws draw_projections(const ProjectionStudyOptions& options, int64_t n, size_t row,
                       at::ScalarType dtype) {
  Draws draws;
  for (const int64_t k : options.projected_lengths) {
    std::vector<at::Tensor>& of_k = draws.emplace_back();
    for (int64_t draw = 0; draw < options.num_draws; ++draw) {
      const auto number =
          static_cast<uint64_t>(static_cast<int64_t>(row) * options.num_draws + draw);
      of_k.push_back(random_projection(k, n, options.seed, number, dtype));
    }
  }
  return draws;
}

void add_standard(const HeadAttention& head, const Draws& draws,
                  const ProjectionStudyOptions& options, double delta, HeadSamples& samples) {
  const at::Tensor V = head.value[0];
  const at::Tensor A = head.scores()[0];
  const at::Tensor P = head.probabilities()[0];
  const int64_t n = P.size(0);
  const int64_t step = (n + kStudiedRows - 1) / kStudiedRows;
  const at::Tensor some = A.slice(0, 0, n, step);
  const at::Tensor best = truncation_errors(P, V, options.projected_lengths);
  samples.by_k.resize(draws.size());
  for (size_t i = 0; i < draws.size(); ++i) {
    append(samples.by_k[i].best, best[static_cast<int64_t>(i)]);
    for (const at::Tensor& R : draws[i]) {
      append(samples.by_k[i].random, random_projection_errors(P, V, R));
      const ExponentialErrors errors = exponential_errors(some, V, R, delta);
      append(samples.by_k[i].of_bound, errors.of_bound);
      append(samples.by_k[i].of_output, errors.of_output);
    }
  }
}

void add_learned(const HeadAttention& head, const HeadAttention& full, HeadSamples& samples) {
  samples.k = head.key.size(1);
  samples.by_k.resize(1);
  append(samples.by_k[0].random, column_errors(head.probabilities()[0].mm(head.value[0]),
                                               full.probabilities()[0].mm(full.value[0])));
}

void add_layer(int64_t layer, const LayerAttention& attention, const Draws& draws,
               const ProjectionStudyOptions& options, double delta, AllSamples& all) {
  const bool standard = attention.type == AttentionType::kStandard;
  if (!standard && attention.type != AttentionType::kLinformer) return;
  const OneThread one_thread;
  for (size_t h = 0; h < attention.heads.size(); ++h) {
    const HeadAttention& head = attention.heads[h];
    for (const at::Tensor& operand : {head.query, head.key, head.value}) {
      require_finite_outputs(operand);
    }
    HeadSamples& samples = all[{layer, static_cast<int64_t>(h)}];
    samples.type = attention.type;
    if (standard) {
      add_standard(head, draws, options, delta, samples);
    } else {
      add_learned(head, attention.full[h], samples);
    }
  }
}

ErrorSummary summary_of(std::span<const double> errors, const std::vector<double>& epsilons) {
  ErrorSummary summary{mean_of(errors), median_of(errors), percentile_of(errors, 95.0), {}};
  for (const double epsilon : epsilons) {
    const auto above =
        std::count_if(errors.begin(), errors.end(), [&](double error) { return error > epsilon; });
    summary.shares_above.push_back(static_cast<double>(above) / static_cast<double>(errors.size()));
  }
  return summary;
}

HeadErrors errors_of(const Samples& samples, const std::vector<double>& epsilons) {
  HeadErrors errors;
  errors.random = summary_of(samples.random, epsilons);
  errors.best = summary_of(samples.best, epsilons);
  errors.of_bound = summary_of(samples.of_bound, epsilons);
  errors.of_output = summary_of(samples.of_output, epsilons);
  return errors;
}

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void summarise(int64_t n, double delta, const AllSamples& samples,
               const ProjectionStudyOptions& options, ProjectionStudy& study) {
  for (size_t i = 0; i < options.projected_lengths.size(); ++i) {
    ProjectedErrors errors;
    errors.n = n;
    errors.k = options.projected_lengths[i];
    errors.delta = delta;
    Samples together;
    for (const auto& [place, head] : samples) {
      if (head.type != AttentionType::kStandard) continue;
      const Samples& own = head.by_k[i];
      errors.heads.push_back(errors_of(own, options.epsilons));
      std::tie(errors.heads.back().layer, errors.heads.back().head) = place;
      append(together.random, own.random);
      append(together.best, own.best);
      append(together.of_bound, own.of_bound);
      append(together.of_output, own.of_output);
    }
    if (errors.heads.empty()) break;
    errors.all = errors_of(together, options.epsilons);
    study.standard.push_back(std::move(errors));
  }
  for (const auto& [place, head] : samples) {
    if (head.type != AttentionType::kLinformer) continue;
    study.learned.push_back({n, place.first, place.second, head.k,
                             summary_of(head.by_k.front().random, options.epsilons)});
  }
}

}  // namespace

ProjectionStudy study_projections(const Model& model, std::span<const InputRow> rows,
                                  const ProjectionStudyOptions& options,
                                  const std::function<void(int64_t, double)>& measured) {
  ProjectionStudy study;
  const bool segments = model.config().type_vocab_size > 0;
  // A layer takes time in proportion to n squared: the size of its attention matrices.
  const auto cost = [](int64_t n) { return static_cast<double>(n) * static_cast<double>(n); };
  double all_layers = 0.0, layers_done = 0.0;
  for (const int64_t n : options.lengths) {
    all_layers += cost(n) * static_cast<double>(rows.size()) *
                  static_cast<double>(model.config().num_hidden_layers);
  }
  int64_t num_layers = 0;
  for (const int64_t n : options.lengths) {
    const double delta = options.delta.value_or(1.0 / static_cast<double>(n));
    AllSamples samples;
    for (size_t row = 0; row < rows.size(); ++row) {
      const Draws draws = draw_projections(options, n, row, model.parameters().dtype());
      visit_attention(model, single_row_input(cut_row(rows[row], n), segments),
                      [&](int64_t layer, const LayerAttention& attention) {
                        add_layer(layer, attention, draws, options, delta, samples);
                        layers_done += cost(n);
                        if (measured) measured(++num_layers, layers_done / all_layers);
                      });
      if (stop_signal() != 0) {
        study.complete = false;
        return study;
      }
    }
    summarise(n, delta, samples, options, study);
  }
  study.num_sequences = static_cast<int64_t>(rows.size());
  return study;
}

}  // namespace linformer
