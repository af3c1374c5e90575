#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/core/random.h"

namespace linformer {

/// A labelled passage of the sample corpus.
struct SamplePassage {
  int topic = 0;     ///< index into SampleCorpus::topic_names()
  int positive = 0;  ///< 1 if its adjectives mostly praise, 0 if they mostly blame
  std::string text;
};

/// Text from the project's own grammar over invented words, so that a data set comes with the
/// program and no text is copied. On a small scale it has the properties of real text that a
/// language model learns:
///   - topics: most of a document's nouns and verbs come from one of eight topics, by Zipf's law;
///   - agreement: verbs agree with their subject in number, across relative clauses as well, and
///     all verbs of a document have its tense; pronouns agree with the person;
///   - entities: a document introduces each person once, with a trade, a home and a possession, and
///     names these again hundreds of tokens later, always the same ones;
///   - sentiment: the adjectives and adverbs of a document tend to one side.
///
/// Everything is a pure function of (seed, index), in integers: the same bytes on every machine.
class SampleCorpus {
 public:
  explicit SampleCorpus(uint64_t seed);

  /// A document: paragraphs, one per line, each line ended by '
  /// '. Indices are 0 to 2^32 - 1; held-out documents have other indices.
  std::string document(uint64_t index) const;

  /// A short passage (2 to 4 sentences) of one topic and one sentiment, with its labels.
  SamplePassage passage(uint64_t index) const;

  std::vector<std::string> topic_names() const;
  /// Word forms that the grammar can produce.
  size_t num_word_forms() const;

 private:
  friend class SampleWriter;

  static constexpr int kNumTopics = 8;

  struct Topic {
    std::string name;
    std::vector<std::string> nouns, verbs;
  };

  uint64_t seed_;
  std::vector<Topic> topics_;
  std::vector<std::string> common_nouns_, common_verbs_, trades_, things_;
  std::vector<std::string> praising_, blaming_, plain_adjectives_;
  std::vector<std::string> first_names_, last_names_, places_;
};

/// Files that write_sample_corpus() wrote.
struct SampleFiles {
  std::string train, valid, labelled_train, labelled_valid;
  uint64_t train_documents = 0, valid_documents = 0;
};

/// Writes train.txt (about `megabytes` million bytes, blank lines between documents), valid.txt (a
/// twentieth of that, other documents), labelled-train.tsv (2,000 rows) and labelled-valid.tsv (400
/// rows; header: topic, sentiment, text) into a folder, which is created if missing. Each file is
/// replaced as a whole. Throws UsageError for megabytes outside (0, 10000], RunError for disk
/// errors.
SampleFiles write_sample_corpus(const std::string& folder, double megabytes, uint64_t seed);

}  // namespace linformer
