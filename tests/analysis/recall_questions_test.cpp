#include "linformer/analysis/recall_questions.h"

#include <cctype>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"
#include "linformer/data/text_dataset.h"
#include "linformer/text/tokenizer_trainer.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

constexpr uint64_t kSeed = 3;  // of the text of the tokenizers
constexpr uint64_t kFirst = (uint64_t{1} << 31) + (uint64_t{1} << 30);

std::vector<RecallQuestion> questions_of(const Tokenizer& tokenizer, int64_t length, int64_t count,
                                         uint64_t seed = kSeed) {
  RecallQuestions source(tokenizer, seed, length, count);
  std::vector<RecallQuestion> questions;
  while (std::optional<RecallQuestion> question = source.next()) {
    questions.push_back(std::move(*question));
  }
  return questions;
}

/// The row with the hidden word in its place.
Ids answered(const RecallQuestion& question) {
  Ids ids = question.row.input_ids;
  for (size_t i = 0; i < question.row.positions.size(); ++i) {
    ids[static_cast<size_t>(question.row.positions[i])] = question.row.labels[i];
  }
  return ids;
}

bool is_letter_at(const std::string& text, size_t i) {
  return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0;
}

/// How often a word stands in a text, not as a part of another.
int times(const std::string& text, const std::string& word) {
  int count = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    count += !(at > 0 && is_letter_at(text, at - 1)) && !is_letter_at(text, at + word.size());
  }
  return count;
}

TEST(RecallQuestions, HideOneWholeWord) {
  for (const Tokenizer* tokenizer : {&unigram_tokenizer(), &bpe_tokenizer()}) {
    for (const RecallQuestion& question : questions_of(*tokenizer, 128, 100)) {
      const MaskedSequence& row = question.row;
      EXPECT_EQ(tokenizer->decode(row.labels), question.word);
      ASSERT_EQ(row.positions.size(), row.labels.size());
      for (size_t i = 0; i < row.positions.size(); ++i) {
        EXPECT_EQ(row.positions[i], row.positions[0] + static_cast<int32_t>(i));
      }
      std::vector<int32_t> masks;
      for (size_t i = 0; i < row.input_ids.size(); ++i) {
        if (row.input_ids[i] == tokenizer->mask_id()) masks.push_back(static_cast<int32_t>(i));
      }
      EXPECT_EQ(masks, row.positions);
    }
  }
}

TEST(RecallQuestions, AreAboutRepeatedFactsOfOneDocumentEach) {
  const SampleCorpus corpus(kSeed);
  const auto questions = questions_of(unigram_tokenizer(), 1024, 60);
  ASSERT_EQ(questions.size(), 60U);
  std::map<FactKind, int> kinds;
  for (size_t i = 0; i < questions.size(); ++i) {
    const SampleDocument document = corpus.document_with_facts(kFirst + i);
    const bool found =
        std::any_of(document.facts.begin(), document.facts.end(), [&](const FactMention& fact) {
          return fact.repeated && fact.kind == questions[i].kind &&
                 document.text.substr(fact.begin, fact.length) == questions[i].word;
        });
    EXPECT_TRUE(found) << questions[i].word << "\n" << document.text;
    ++kinds[questions[i].kind];
  }
  EXPECT_EQ(kinds.size(), 5U);
}

/// A row has sentences of one document, up to an end of one, and the beginnings of those after it.
TEST(RecallQuestions, RowsArePackedAsInTraining) {
  constexpr int kCount = 40;
  const TemporaryFolder folder;
  const SampleCorpus corpus(kSeed);
  std::string text;
  for (uint64_t i = 0; i < kCount + 10; ++i) text += corpus.document(kFirst + i) + "\n";
  write_file(folder.file("held-out.txt"), text);
  CorpusOptions options;
  options.inputs = {folder.file("held-out.txt")};
  for (const Tokenizer* tokenizer : {&unigram_tokenizer(), &bpe_tokenizer()}) {
    const TokenDataset data = encode_texts(options, *tokenizer).dataset;
    ASSERT_EQ(data.num_documents(), kCount + 10);
    for (const int64_t length : {64, 256, 1024, 2048}) {
      const auto questions = questions_of(*tokenizer, length, kCount);
      for (int64_t d = 0; d < kCount; ++d) {
        const Ids ids = answered(questions[static_cast<size_t>(d)]);
        ASSERT_LE(static_cast<int64_t>(ids.size()), length);
        EXPECT_EQ(ids.front(), kBosId);
        EXPECT_EQ(ids.back(), kEosId);
        // What a packed data set has from the row's first sentence on, if one begins like it.
        const IndexRange sentences = data.document_sentences(d);
        bool found = false;
        for (int64_t s = sentences.begin; s < sentences.end && !found; ++s) {
          Ids expected{kBosId};
          int64_t next = s;
          for (int64_t other = d; next < data.num_sentences(); ++next) {
            const bool new_document = data.document_of_sentence(next) != other;
            other = data.document_of_sentence(next);
            const Ids sentence = data.tokens(data.sentence_tokens(next));
            const size_t more = sentence.size() + (new_document ? 1 : 0) + 1;
            if (expected.size() + more > static_cast<size_t>(length)) break;
            if (new_document) expected.push_back(kEosId);
            expected.insert(expected.end(), sentence.begin(), sentence.end());
          }
          expected.push_back(kEosId);
          found = ids == expected;
          if (!found) continue;
          // It begins with the document, or one sentence more before that of the question is too
          // much.
          const int64_t begin = data.sentence_tokens(s).begin;
          const MaskedSequence& row = questions[static_cast<size_t>(d)].row;
          const int64_t asked = data.sentence_of_token(begin + row.positions.back() - 1);
          EXPECT_TRUE(begin == data.document_tokens(d).begin ||
                      data.sentence_tokens(asked).end - data.sentence_tokens(s - 1).begin >
                          length - 2)
              << d;
        }
        EXPECT_TRUE(found) << tokenizer->decode_with_specials(ids);
      }
    }
  }
}

TEST(RecallQuestions, DistanceIsToTheNearestMention) {
  const Tokenizer& tokenizer = unigram_tokenizer();
  int none = 0;
  for (const RecallQuestion& question : questions_of(tokenizer, 96, 200)) {
    const Ids ids = answered(question);
    const Ids& labels = question.row.labels;
    const auto hidden = static_cast<size_t>(question.row.positions[0]);
    EXPECT_EQ(times(tokenizer.decode(question.row.input_ids), question.word) > 0,
              question.distance > 0)
        << question.word;
    // Other places with the same tokens that no letter follows, as they are words then.
    int64_t nearest = 0;
    for (size_t i = 1; i + labels.size() < ids.size(); ++i) {
      if (i == hidden ||
          !std::equal(labels.begin(), labels.end(), ids.begin() + static_cast<std::ptrdiff_t>(i)))
        continue;
      const int32_t after = ids[i + labels.size()];
      if (!tokenizer.is_special(after) && !tokenizer.begins_word(after) &&
          is_letter_at(tokenizer.readable_piece(after), 0)) {
        continue;
      }
      const auto distance = std::abs(static_cast<int64_t>(i) - static_cast<int64_t>(hidden));
      if (nearest == 0 || distance < nearest) nearest = distance;
    }
    EXPECT_EQ(question.distance, nearest) << question.word;
    none += nearest == 0;
  }
  EXPECT_GT(none, 10);
  EXPECT_LT(none, 190);
}

TEST(RecallQuestions, ALongRowHasTheIntroduction) {
  for (const RecallQuestion& question : questions_of(unigram_tokenizer(), 2048, 60)) {
    EXPECT_GT(question.distance, 0) << question.word;
  }
}

TEST(RecallQuestions, SentencesLongerThanTheRowAreCut) {
  const int64_t shortest = RecallQuestions::kShortestLength;
  size_t full = 0;
  for (const RecallQuestion& question : questions_of(bpe_tokenizer(), shortest, 200)) {
    EXPECT_LE(question.row.input_ids.size(), static_cast<size_t>(shortest));
    full += question.row.input_ids.size() == static_cast<size_t>(shortest);
    EXPECT_EQ(bpe_tokenizer().decode(question.row.labels), question.word);
  }
  EXPECT_GT(full, 10U);
}

TEST(RecallQuestions, AreAFunctionOfTheSeedAndTheDocument) {
  const auto few = questions_of(unigram_tokenizer(), 64, 5);
  const auto many = questions_of(unigram_tokenizer(), 64, 9);
  const auto other = questions_of(unigram_tokenizer(), 64, 5, kSeed + 1);
  ASSERT_EQ(few.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(few[i].row.input_ids, many[i].row.input_ids);
    EXPECT_EQ(few[i].distance, many[i].distance);
    EXPECT_NE(few[i].row.input_ids, other[i].row.input_ids);
  }
}

TEST(RecallQuestions, RefuseATokenizerThatDoesNotKnowTheWords) {
  const TemporaryFolder folder;
  std::string digits;
  for (int i = 0; i < 3000; ++i) digits += std::to_string(i * 7919 % 10007) + " 12 345. ";
  write_file(folder.file("digits.txt"), digits);
  TokenizerTraining training;
  training.inputs = {folder.file("digits.txt")};
  training.vocab_size = 64;
  training.byte_fallback = false;
  const Tokenizer tokenizer(train_tokenizer(training, [](uint64_t) { return true; }).model_bytes,
                            "digits.model");
  EXPECT_THAT(message_of<RunError>([&] { questions_of(tokenizer, 64, 200); }),
              AllOf(HasSubstr("digits.model: does not know the words of the sample corpus: it has "
                              "<unk> in 21 of 21 words"),
                    HasSubstr("\n  fix: ")));
}

TEST(MostFrequentFacts, AreCountedInTheTrainingText) {
  const SampleCorpus corpus(1);
  const std::vector<std::string> best = most_frequent_facts(corpus, 1);
  const SampleDocument document = corpus.document_with_facts(0);
  std::map<FactKind, std::map<std::string, int>> counts;
  for (const FactMention& fact : document.facts) {
    ++counts[fact.kind][document.text.substr(fact.begin, fact.length)];
  }
  ASSERT_EQ(best.size(), 5U);
  for (const auto& [kind, words] : counts) {
    const std::string& word = best[static_cast<size_t>(kind)];
    for (const auto& [other, count] : words) {
      EXPECT_LE(count, words.at(word)) << other;
      EXPECT_TRUE(count < words.at(word) || word <= other) << other;
    }
  }
}

}  // namespace
}  // namespace linformer
