#include "linformer/analysis/recall.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "linformer/analysis/finite_outputs.h"
#include "linformer/analysis/recall_questions.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/batch.h"
#include "linformer/metrics/distance_groups.h"
#include "linformer/objectives/masked_lm_loss.h"

namespace linformer {

namespace {

constexpr uint64_t kDocumentsOfGuesses = 1000;

double per(double sum, int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

/// The answers to the questions of a batch.
std::vector<RecallAnswer> answers_to(const std::vector<RecallQuestion>& questions,
                                     const MaskedLmScores& scores,
                                     const std::vector<std::string>& guesses) {
  std::vector<RecallAnswer> answers;
  size_t m = 0;
  for (const RecallQuestion& question : questions) {
    RecallAnswer answer{question.kind,
                        question.distance,
                        static_cast<int64_t>(question.row.labels.size()),
                        /*right=*/true,
                        question.word == guesses[static_cast<size_t>(question.kind)],
                        /*nll=*/0.0};
    for (const int32_t label : question.row.labels) {
      answer.right = answer.right && scores.best[m] == label;
      answer.nll += scores.losses[m];
      ++m;
    }
    if (!std::isfinite(answer.nll)) fail_not_finite("its outputs are");
    answers.push_back(answer);
  }
  return answers;
}

}  // namespace

void RecallGroup::add(const RecallAnswer& answer) {
  ++num_questions;
  num_right += answer.right ? 1 : 0;
  num_guessed += answer.guessed ? 1 : 0;
  nll_sum += answer.nll;
}

double RecallGroup::accuracy() const {
  return per(static_cast<double>(num_right), num_questions);
}

double RecallGroup::baseline_accuracy() const {
  return per(static_cast<double>(num_guessed), num_questions);
}

double RecallGroup::mean_nll() const {
  return per(nll_sum, num_questions);
}

RecallResult count_answers(std::span<const RecallAnswer> answers, int64_t max_sequence_length) {
  RecallResult result;
  result.all.name = "all";
  result.by_distance.push_back({.name = kNotSeenElsewhere});
  const size_t farthest = distance_group(std::max<int64_t>(2, max_sequence_length) - 1);
  for (size_t group = 0; group <= farthest; ++group) {
    result.by_distance.push_back({.name = distance_group_name(group)});
  }
  for (const std::string_view name : EnumNames<FactKind>::kNames) {
    result.by_fact.push_back({.name = std::string(name)});
  }
  for (const RecallAnswer& answer : answers) {
    const size_t group = answer.distance > 0 ? distance_group(answer.distance) + 1 : 0;
    result.all.add(answer);
    result.by_distance[group].add(answer);
    result.by_fact[static_cast<size_t>(answer.kind)].add(answer);
    result.num_tokens += answer.num_tokens;
  }
  return result;
}

std::optional<RecallResult> measure_recall(const Model& model, const Tokenizer& tokenizer,
                                           const RecallOptions& options,
                                           const std::function<void(int64_t)>& asked) {
  RecallQuestions questions(tokenizer, options.seed, options.max_sequence_length,
                            options.num_questions);
  const std::vector<std::string> guesses =
      most_frequent_facts(SampleCorpus(options.seed), kDocumentsOfGuesses);
  std::vector<RecallAnswer> answers;
  while (true) {
    std::vector<RecallQuestion> some;
    std::vector<BatchRow> rows;
    while (static_cast<int64_t>(some.size()) < options.batch_size) {
      std::optional<RecallQuestion> question = questions.next();
      if (!question) break;
      rows.emplace_back().sequence = question->row;
      some.push_back(std::move(*question));
    }
    if (some.empty()) break;
    const Batch batch = make_batch(rows, options.max_sequence_length);
    const std::vector<RecallAnswer> more =
        answers_to(some, masked_lm_scores(model, batch), guesses);
    answers.insert(answers.end(), more.begin(), more.end());
    if (stop_signal() != 0) return std::nullopt;
    if (asked) asked(static_cast<int64_t>(answers.size()));
  }
  return count_answers(answers, options.max_sequence_length);
}

}  // namespace linformer
