#include "linformer/text/sample_corpus.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

TEST(SampleCorpus, GivesTheSameBytesOnEveryMachine) {
  std::string text;
  const SampleCorpus corpus(1);
  for (uint64_t i = 0; i < 50; ++i) text += corpus.document(i);
  // Written down when the grammar was made; whoever changes the grammar changes this number.
  EXPECT_EQ(to_hex(xxh3(text)), "2e3a8dc313d63360");
}

TEST(SampleCorpus, FactsOfADocument) {
  // Read from the text of document 48, which begins
  //   Suli in Soulmere.
  //   Taisu Prese, a hifaskkrun from Soulmere, owns a siwitrusk ruskklin. Tolstend Bakla, a falo
  //   ...
  //   ... When one prert bames, Prese sales one hokeskvosk dre. ...
  //   ... In Soulmere, Prese bames the trumtrind touwiten with the ruskklin.
  constexpr FactKind kTrade = FactKind::kTrade, kHome = FactKind::kHome;
  constexpr FactKind kPossession = FactKind::kPossession, kAdjective = FactKind::kAdjective;
  constexpr FactKind kLastName = FactKind::kLastName;
  struct Expected {
    FactKind kind;
    size_t person;
    const char* word;
    bool repeated;
  };
  const std::vector<Expected> expected{
      {kHome, 0, "Soulmere", false},       {kLastName, 0, "Prese", false},
      {kTrade, 0, "hifaskkrun", false},    {kHome, 0, "Soulmere", false},
      {kAdjective, 0, "siwitrusk", false}, {kPossession, 0, "ruskklin", false},
      {kLastName, 1, "Bakla", false},      {kTrade, 1, "falo", false},
      {kHome, 1, "Lurmere", false},        {kAdjective, 1, "kluskesli", false},
      {kPossession, 1, "daboart", false},  {kLastName, 0, "Prese", true},
      {kHome, 0, "Soulmere", true},        {kLastName, 0, "Prese", true},
      {kPossession, 0, "ruskklin", true},  {kLastName, 0, "Prese", true},
      {kLastName, 1, "Bakla", true},       {kTrade, 1, "falo", true},
      {kTrade, 0, "hifaskkrun", true},     {kLastName, 0, "Prese", true},
      {kPossession, 0, "ruskklin", true},  {kTrade, 0, "hifaskkrun", true},
      {kLastName, 0, "Prese", true},       {kPossession, 0, "ruskklin", true},
      {kLastName, 1, "Bakla", true},       {kTrade, 1, "falo", true},
      {kHome, 1, "Lurmere", true}};
  const SampleDocument document = SampleCorpus(1).document_with_facts(48);
  ASSERT_EQ(document.facts.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const FactMention& fact = document.facts[i];
    EXPECT_EQ(fact.kind, expected[i].kind) << i;
    EXPECT_EQ(fact.person, expected[i].person) << i;
    EXPECT_EQ(document.text.substr(fact.begin, fact.length), expected[i].word) << i;
    EXPECT_EQ(fact.repeated, expected[i].repeated) << i;
    EXPECT_TRUE(i == 0 || fact.begin > document.facts[i - 1].begin) << i;
  }
  // "Suli in " has 8 bytes, the first line 18, "Taisu " 6.
  EXPECT_EQ(document.facts[0], (FactMention{kHome, 0, 8, 8, false}));
  EXPECT_EQ(document.facts[1], (FactMention{kLastName, 0, 24, 5, false}));
}

TEST(SampleCorpus, FactsChangeNoText) {
  const SampleCorpus corpus(5);
  for (uint64_t i = 0; i < 20; ++i) {
    const SampleDocument document = corpus.document_with_facts(i);
    EXPECT_EQ(document.text, corpus.document(i));
    const auto printable = [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); };
    EXPECT_TRUE(std::all_of(document.text.begin(), document.text.end(), printable));
    const std::string passage = corpus.passage(i).text;
    EXPECT_TRUE(std::all_of(passage.begin(), passage.end(), printable));
    // A person's facts are the same words throughout.
    std::map<std::pair<size_t, FactKind>, std::set<std::string>> words;
    for (const FactMention& fact : document.facts) {
      words[{fact.person, fact.kind}].insert(document.text.substr(fact.begin, fact.length));
    }
    for (const auto& [fact, forms] : words) EXPECT_EQ(forms.size(), 1U);
    EXPECT_EQ(words.size() % 5, 0U);
  }
}

TEST(SampleCorpus, SeedsAndIndicesDiffer) {
  EXPECT_NE(SampleCorpus(1).document(0), SampleCorpus(2).document(0));
  EXPECT_NE(SampleCorpus(1).document(0), SampleCorpus(1).document(1));
  EXPECT_EQ(SampleCorpus(1).document(7), SampleCorpus(1).document(7));
}

TEST(SampleCorpus, HasThousandsOfWordForms) {
  EXPECT_GT(SampleCorpus(1).num_word_forms(), 3000u);
  std::set<std::string> seen;
  for (const std::string& word : words_of(sample_text())) seen.insert(word);
  EXPECT_GT(seen.size(), 3000u);
}

TEST(SampleCorpus, RecallsPersonsHundredsOfWordsLater) {
  // "First Last, a TRADE from HOME," introduces; TRADE belongs to that person for good.
  const SampleCorpus corpus(1);
  size_t far = 0;
  for (uint64_t index = 0; index < 40; ++index) {
    const std::string document = corpus.document(index);
    const size_t comma = document.find(", a ", document.find('\n'));
    ASSERT_NE(comma, std::string::npos);
    const size_t trade_begin = comma + 4;
    const std::string trade =
        document.substr(trade_begin, document.find(" from ", trade_begin) - trade_begin);
    const size_t last = document.rfind(trade);
    far += last > trade_begin + 1200;  // about 250 words
  }
  EXPECT_GE(far, 15u) << "of 40 documents";
}

TEST(SampleCorpus, VerbsAgreeWithTheirSubject) {
  // "The NOUN was/is ..." is singular, "The NOUNen were/are ..." plural.
  size_t checked = 0;
  const auto words = words_of(sample_text());
  for (size_t i = 0; i + 2 < words.size(); ++i) {
    if (words[i] != "Two" && words[i] != "Three" && words[i] != "Four") continue;
    for (size_t j = i + 1; j < std::min(i + 4, words.size()); ++j) {
      EXPECT_FALSE(words[j] == "was" || words[j] == "is") << words[i] << " ... " << words[j];
      checked += words[j] == "were" || words[j] == "are";
    }
  }
  EXPECT_GT(checked, 50u);
}

TEST(SampleCorpus, TopicsHaveTheirOwnWords) {
  // The most frequent words of a topic's passages (beyond function words) name the topic.
  const SampleCorpus corpus(1);
  std::map<std::string, std::set<int>> topics_of_word;
  std::map<std::string, int> count;
  for (uint64_t i = 0; i < 3000; ++i) {
    const SamplePassage passage = corpus.passage(i);
    for (const std::string& word : words_of(passage.text)) {
      topics_of_word[word].insert(passage.topic);
      ++count[word];
    }
  }
  const auto own = std::count_if(count.begin(), count.end(), [&](const auto& entry) {
    return entry.second >= 20 && topics_of_word[entry.first].size() == 1;
  });
  EXPECT_GT(own, 60);
}

TEST(SampleCorpus, WritesTrainValidAndLabelledFiles) {
  const TemporaryFolder folder;
  const SampleFiles files = write_sample_corpus(folder.file("made/here"), 0.5, 4);
  const std::string train = read_text_file(files.train);
  const std::string valid = read_text_file(files.valid);
  EXPECT_GE(train.size(), 500'000u);
  EXPECT_LT(train.size(), 520'000u);
  EXPECT_GE(valid.size(), 25'000u);
  const auto train_documents = documents_of(files.train, TextLayout::kBlankLines);
  const auto valid_documents = documents_of(files.valid, TextLayout::kBlankLines);
  EXPECT_EQ(train_documents.size(), files.train_documents);
  EXPECT_EQ(valid_documents.size(), files.valid_documents);
  const std::set<std::string> seen(train_documents.begin(), train_documents.end());
  for (const auto& document : valid_documents) EXPECT_FALSE(seen.contains(document));
  std::istringstream rows(read_text_file(files.labelled_train));
  std::string line;
  std::getline(rows, line);
  EXPECT_EQ(line, "topic\tsentiment\ttext");
  int count = 0;
  while (std::getline(rows, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 2) << line;
    ++count;
  }
  EXPECT_EQ(count, 2000);
  // Writing it again changes no byte.
  const uint64_t before = xxh3_of_file(files.train);
  write_sample_corpus(folder.file("made/here"), 0.5, 4);
  EXPECT_EQ(xxh3_of_file(files.train), before);
}

TEST(SampleCorpus, RefusesImpossibleSizes) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<UsageError>([&] { write_sample_corpus(folder.path(), 0.0, 1); }),
              HasSubstr("--megabytes: 0 is out of range"));
}

}  // namespace
}  // namespace linformer
