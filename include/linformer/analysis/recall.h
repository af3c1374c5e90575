#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "linformer/nn/model.h"
#include "linformer/text/sample_corpus.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// A question that was asked, and the answer.
struct RecallAnswer {
  FactKind kind = FactKind::kTrade;
  int64_t distance = 0;    ///< to the nearest other mention in tokens; 0 = there is none
  int64_t num_tokens = 1;  ///< of the word
  bool right = false;      ///< the most probable token is right at each of them
  bool guessed = false;    ///< the most frequent word of this kind would be right
  double nll = 0.0;        ///< of the word in nats, summed over its tokens
};

/// Questions of one group. Shares and means are NaN without questions.
struct RecallGroup {
  std::string name;
  int64_t num_questions = 0;
  int64_t num_right = 0;
  int64_t num_guessed = 0;  ///< questions that the most frequent word answers
  double nll_sum = 0.0;

  void add(const RecallAnswer& answer);
  double accuracy() const;
  double baseline_accuracy() const;
  double mean_nll() const;
};

struct RecallResult {
  RecallGroup all;
  int64_t num_tokens = 0;                ///< that were hidden
  std::vector<RecallGroup> by_distance;  ///< not seen elsewhere, then distances 1, 2-3, 4-7, ...
  std::vector<RecallGroup> by_fact;      ///< one for each FactKind
};

/// Counts answers from rows of up to `max_sequence_length` tokens. Each table has every answer
/// once.
RecallResult count_answers(std::span<const RecallAnswer> answers, int64_t max_sequence_length);

struct RecallOptions {
  uint64_t seed = 1;  ///< of the sample corpus
  int64_t num_questions = 2000;
  int64_t max_sequence_length = 0;  ///< as RecallQuestions takes it
  int64_t batch_size = 8;
};

/// Asks a masked-LM model for facts of held-out documents of the sample corpus (RecallQuestions).
/// The guesses from frequency know the first 1,000 documents of the training text. Nothing after a
/// stop signal. `asked` gets the number of questions that are answered. Throws RunError if the
/// tokenizer does not know the corpus, or if an output is not finite.
std::optional<RecallResult> measure_recall(const Model& model, const Tokenizer& tokenizer,
                                           const RecallOptions& options,
                                           const std::function<void(int64_t)>& asked = {});

}  // namespace linformer
