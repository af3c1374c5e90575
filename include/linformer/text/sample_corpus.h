#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"
#include "linformer/core/random.h"

namespace linformer {

/// A labelled passage of the sample corpus.
struct SamplePassage {
  int topic = 0;     ///< index into SampleCorpus::topic_names()
  int positive = 0;  ///< 1 if its adjectives mostly praise, 0 if they mostly blame
  std::string text;
};

/// What a document says about a person, one word each. An adjective belongs to the possession.
enum class FactKind { kTrade, kHome, kPossession, kAdjective, kLastName };
template <>
struct EnumNames<FactKind> {
  static constexpr std::array<std::string_view, 5> kNames{"trade", "home", "possession",
                                                          "adjective", "last name"};
};

/// A word of a document that states a fact about a person.
struct FactMention {
  FactKind kind = FactKind::kTrade;
  size_t person = 0;      ///< of the document, in the order of the introductions
  size_t begin = 0;       ///< first byte of the word in the text
  size_t length = 0;      ///< bytes
  bool repeated = false;  ///< behind the introductions, which the title and the second line are

  bool operator==(const FactMention&) const = default;
};

/// A document with every mention of a fact, in order. The same word may also stand where it states
/// no fact: other sentences name places and use the adjectives as well.
struct SampleDocument {
  std::string text;
  std::vector<FactMention> facts;
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

  /// A document: paragraphs, one per line, each line ended by '\n'. Indices are 0 to 2^32 - 1.
  /// write_sample_corpus() takes those from 0 on for training and those from 2^31 on for valid.txt.
  std::string document(uint64_t index) const;
  /// The same document, and where its facts are.
  SampleDocument document_with_facts(uint64_t index) const;

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
