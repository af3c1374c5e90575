#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "linformer/data/mlm_masker.h"
#include "linformer/text/sample_corpus.h"
#include "linformer/text/text_encoder.h"

namespace linformer {

/// A sequence in which one word is hidden that names a fact again.
struct RecallQuestion {
  MaskedSequence row;  ///< with <s> and </s>; every token of the word is <mask>
  FactKind kind = FactKind::kTrade;
  std::string word;
  /// Positions from the first token of the word to the first token of the nearest other mention in
  /// the row, on either side; 0 if there is none. A mention is any place where exactly this word
  /// stands, also where it states no fact or belongs to another document.
  int64_t distance = 0;
};

/// Questions about held-out documents of the sample corpus. Document i of the corpus, from 2^31 +
/// 2^30 on, gives one question, so that questions are independent. The word is drawn evenly from
/// the document's repeated facts, with a random stream of (seed, i).
///
/// A row is packed as in training: whole sentences, a </s> behind each document, at most n ids. It
/// begins with the document if the sentence of the question then still fits. Otherwise as many
/// sentences of the document as fit stand before that sentence. Behind it, the row goes on with the
/// document and those after it.
class RecallQuestions {
 public:
  /// `num_questions` at most 10^6; `max_sequence_length` (n) at least kShortestLength. `tokenizer`
  /// has to outlive the object.
  RecallQuestions(const Tokenizer& tokenizer, uint64_t seed, int64_t max_sequence_length,
                  int64_t num_questions);

  static constexpr int64_t kShortestLength = 32;  ///< the longest word fits in single bytes

  /// The next question, or nothing after the last. Words with <unk> are not asked. Throws RunError
  /// if there are too many of them: the tokenizer is made for other text.
  std::optional<RecallQuestion> next();

 private:
  struct Word {
    size_t begin, length;            // bytes of the text
    size_t first_token, last_token;  // [first, last) of the ids
  };
  struct Document {
    SampleDocument source;
    std::vector<int32_t> ids;             // without <s> and </s>
    std::vector<size_t> sentence_begins;  // tokens, and ids.size() at the end
    std::vector<Word> words;

    std::string_view text_of(const Word& word) const;
    const Word& word_at(size_t byte) const;
  };
  /// Tokens [first, last) of a document, and where they are in the row.
  struct Stretch {
    const Document* document;
    size_t first, last;
    size_t row_begin;
  };

  Document encode(uint64_t index);
  /// The document that is `ahead` documents behind the current one.
  const Document& document(size_t ahead);
  std::optional<RecallQuestion> ask();
  std::vector<Stretch> window(const Word& word);

  const Tokenizer& tokenizer_;
  TextEncoder encoder_;
  SampleCorpus corpus_;
  uint64_t seed_;
  size_t room_;  // ids of a row beside <s> and the last </s>
  int64_t num_questions_;
  int64_t num_asked_ = 0;
  int64_t num_unknown_ = 0;
  uint64_t index_;                  // of the current document
  std::deque<Document> documents_;  // encoded: the current one and those behind it
};

/// For each FactKind the word that the first `num_documents` documents of the training text use
/// most often; the first in the alphabet of equally frequent ones.
std::vector<std::string> most_frequent_facts(const SampleCorpus& corpus, uint64_t num_documents);

}  // namespace linformer
