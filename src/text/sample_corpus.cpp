#include "linformer/text/sample_corpus.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {

namespace {

// Second key of the random streams: the purpose of the numbers.
enum class Part : uint64_t { kLexicon, kDocument, kPassage };

using Words = std::vector<std::string>;

/// Draws new words of two or three syllables, never the same twice.
class WordMaker {
 public:
  explicit WordMaker(uint64_t seed)
      : random_(RandomPurpose::kSampleCorpus, {seed, static_cast<uint64_t>(Part::kLexicon)}) {}

  std::string word(int syllables) {
    static constexpr std::array<std::string_view, 28> kOnsets{
        "b",  "d",  "f",  "g",  "h",  "k",  "l",  "m",  "n",  "p",  "r",  "s",  "t",  "v",
        "br", "dr", "gr", "kl", "kr", "pl", "pr", "sk", "sl", "sn", "st", "tr", "th", "w"};
    static constexpr std::array<std::string_view, 10> kVowels{"a",  "e",  "i",  "o",  "u",
                                                              "ai", "ea", "ou", "oa", "ei"};
    static constexpr std::array<std::string_view, 12> kCodas{"",  "",  "",  "n",  "r",  "l",
                                                             "m", "t", "k", "nd", "rt", "sk"};
    while (true) {
      std::string made;
      for (int i = 0; i < syllables; ++i) {
        made += kOnsets[random_.below(kOnsets.size())];
        // Diphthongs are rarer than plain vowels.
        made += kVowels[random_.below(random_.below(3) == 0 ? kVowels.size() : 5)];
        if (i + 1 == syllables || random_.below(3) == 0)
          made += kCodas[random_.below(kCodas.size())];
      }
      if (known_.insert(made).second) return made;
    }
  }

  Words words(int count, int shortest, int longest) {
    Words made;
    for (int i = 0; i < count; ++i) {
      made.push_back(word(shortest + static_cast<int>(random_.below(
                                         static_cast<uint64_t>(longest - shortest + 1)))));
    }
    return made;
  }

  Words names(int count, int shortest, int longest, std::string_view ending) {
    Words made = words(count, shortest, longest);
    for (std::string& name : made) {
      name[0] = static_cast<char>(name[0] - 'a' + 'A');
      name += ending;
    }
    return made;
  }

 private:
  RandomStream random_;
  std::set<std::string> known_;
};

/// An index in [0, size), smaller ones more often: weight 1 / (index + 2), as in Zipf's law.
size_t zipf(RandomStream& random, size_t size) {
  constexpr uint64_t kScale = 1'000'000;
  uint64_t total = 0;
  for (size_t i = 0; i < size; ++i) total += kScale / (i + 2);
  uint64_t drawn = random.below(total);
  for (size_t i = 0; i < size; ++i) {
    const uint64_t weight = kScale / (i + 2);
    if (drawn < weight) return i;
    drawn -= weight;
  }
  return size - 1;
}

const std::string& pick(RandomStream& random, const Words& words) {
  return words[zipf(random, words.size())];
}

bool chance(RandomStream& random, uint64_t percent) {
  return random.below(100) < percent;
}

enum class Number { kSingular, kPlural };

// While a text grows, each fact in it stands between control characters, as
// kFactBegin KIND PERSON WORD kFactEnd. take_out_facts() removes them.
constexpr char kFactBegin = '\x01';
constexpr char kFactEnd = '\x02';

struct Person {
  size_t number = 0;  // in the document
  std::string first;
  std::array<std::string, EnumNames<FactKind>::kNames.size()> facts;  // by FactKind
  bool female = false;

  std::string& word(FactKind kind) { return facts[static_cast<size_t>(kind)]; }
  /// The word of a fact, with its marks.
  std::string fact(FactKind kind) const {
    std::string marked{kFactBegin, static_cast<char>('0' + static_cast<int>(kind)),
                       static_cast<char>('0' + number)};
    return marked + facts[static_cast<size_t>(kind)] + kFactEnd;
  }
  std::string trade() const { return fact(FactKind::kTrade); }
  std::string home() const { return fact(FactKind::kHome); }
  std::string thing() const { return fact(FactKind::kPossession); }
  std::string thing_adjective() const { return fact(FactKind::kAdjective); }
  std::string last() const { return fact(FactKind::kLastName); }
  std::string full() const { return first + " " + last(); }
  std::string pronoun() const { return female ? "she" : "he"; }
  std::string possessive() const { return female ? "her" : "his"; }
};

/// The text without marks, and the facts that were marked. Those behind the first two lines are
/// repeated.
SampleDocument take_out_facts(const std::string& marked) {
  SampleDocument document;
  int lines = 0;
  for (size_t i = 0; i < marked.size(); ++i) {
    if (marked[i] == kFactBegin) {
      document.facts.push_back({static_cast<FactKind>(marked[i + 1] - '0'),
                                static_cast<size_t>(marked[i + 2] - '0'), document.text.size(), 0,
                                lines >= 2});
      i += 2;
    } else if (marked[i] == kFactEnd) {
      document.facts.back().length = document.text.size() - document.facts.back().begin;
    } else {
      lines += marked[i] == '\n' ? 1 : 0;
      document.text += marked[i];
    }
  }
  return document;
}

}  // namespace

/// Applies the grammar to one document or passage, with marked facts.
class SampleWriter {
 public:
  SampleWriter(const SampleCorpus& corpus, RandomStream random) : corpus_(corpus), random_(random) {
    topic_ = static_cast<int>(random_.below(SampleCorpus::kNumTopics));
    positive_ = random_.below(2) == 0;
    past_ = random_.below(2) == 0;
  }

  int topic() const { return topic_; }
  bool positive() const { return positive_; }

  std::string document() {
    const int num_persons = 2 + static_cast<int>(random_.below(3));
    for (int i = 0; i < num_persons; ++i) persons_.push_back(new_person());
    std::string text = capital(corpus_.topics_[static_cast<size_t>(topic_)].name) + " in " +
                       persons_[0].home() + ".\n";
    for (const Person& person : persons_) text += introduction(person) + " ";
    text.back() = '\n';
    const int num_paragraphs = 3 + static_cast<int>(random_.below(6));
    for (int i = 0; i < num_paragraphs; ++i) {
      const int num_sentences = 4 + static_cast<int>(random_.below(6));
      for (int s = 0; s < num_sentences; ++s) text += sentence() + " ";
      text += recall(persons_[random_.below(persons_.size())]) + "\n";
    }
    // Every person is mentioned once more at the end.
    for (const Person& person : persons_) text += recall(person) + " ";
    text.back() = '\n';
    return text;
  }

  std::string passage() {
    persons_.push_back(new_person());
    const int num_sentences = 2 + static_cast<int>(random_.below(3));
    std::string text;
    for (int s = 0; s < num_sentences; ++s) text += (s > 0 ? " " : "") + sentence();
    return text;
  }

 private:
  static std::string capital(std::string word) {
    if (word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
  }

  /// A person who shares no name, trade, home or possession with those already in the document.
  Person new_person() {
    while (true) {
      Person person = any_new_person();
      const bool taken = std::any_of(persons_.begin(), persons_.end(), [&](const Person& other) {
        const auto same = [&](FactKind kind) {
          const auto number = static_cast<size_t>(kind);
          return person.facts[number] == other.facts[number];
        };
        return person.first == other.first || same(FactKind::kLastName) || same(FactKind::kTrade) ||
               same(FactKind::kHome) || same(FactKind::kPossession);
      });
      if (!taken) return person;
    }
  }

  Person any_new_person() {
    const auto any = [&](const Words& words) { return words[random_.below(words.size())]; };
    Person person;
    person.number = persons_.size();
    person.first = any(corpus_.first_names_);
    person.word(FactKind::kLastName) = any(corpus_.last_names_);
    person.word(FactKind::kTrade) = any(corpus_.trades_);
    person.word(FactKind::kHome) = any(corpus_.places_);
    person.word(FactKind::kPossession) = any(corpus_.things_);
    person.word(FactKind::kAdjective) = pick(random_, corpus_.plain_adjectives_);
    // The first name decides: names with an even number of letters are women's.
    person.female = person.first.size() % 2 == 0;
    return person;
  }

  /// A noun in this number, of the topic in 4 of 5 cases.
  std::string noun(Number number) {
    const auto& topic = corpus_.topics_[static_cast<size_t>(topic_)];
    const std::string& stem =
        chance(random_, 80) ? pick(random_, topic.nouns) : pick(random_, corpus_.common_nouns_);
    return number == Number::kPlural ? stem + "en" : stem;
  }

  /// A verb that agrees with its subject's number and has the document's tense.
  std::string verb(Number number) {
    const auto& topic = corpus_.topics_[static_cast<size_t>(topic_)];
    const std::string& stem =
        chance(random_, 70) ? pick(random_, topic.verbs) : pick(random_, corpus_.common_verbs_);
    if (past_) return stem + (number == Number::kPlural ? "edon" : "ed");
    return stem + (number == Number::kPlural ? "on" : "es");
  }

  std::string be(Number number) const {
    if (past_) return number == Number::kPlural ? "were" : "was";
    return number == Number::kPlural ? "are" : "is";
  }

  std::string adjective() {
    const uint64_t kind = random_.below(100);
    if (kind < 35) return pick(random_, corpus_.plain_adjectives_);
    // 9 of 10 judging words are on the document's side.
    const bool praises = chance(random_, 90) == positive_;
    return pick(random_, praises ? corpus_.praising_ : corpus_.blaming_);
  }

  std::string noun_phrase(Number number) {
    static constexpr std::array<std::string_view, 5> kCounts{"two", "three", "four", "many", "few"};
    std::string phrase = "the ";
    if (number == Number::kPlural && chance(random_, 30)) {
      phrase = std::string(kCounts[random_.below(kCounts.size())]) + " ";
    } else if (number == Number::kSingular && chance(random_, 25)) {
      phrase = "one ";
    }
    if (chance(random_, 55)) phrase += adjective() + " ";
    return phrase + noun(number);
  }

  Number any_number() { return chance(random_, 60) ? Number::kSingular : Number::kPlural; }

  const Person& any_person() { return persons_[random_.below(persons_.size())]; }

  std::string introduction(const Person& person) {
    std::string text = person.full() + ", a " + person.trade() + " from " + person.home() + ", " +
                       (past_ ? "owned" : "owns") + " a " + person.thing_adjective() + " " +
                       person.thing() + ".";
    if (chance(random_, 50)) {
      text += " " + capital(person.pronoun()) + " " + verb(Number::kSingular) + " " +
              person.possessive() + " " + noun(any_number()) + " in the year " +
              std::to_string(1100 + random_.below(800)) + ".";
    }
    return text;
  }

  /// Repeats a fact that only the introduction states.
  std::string recall(const Person& person) {
    switch (random_.below(5)) {
      case 0:
        return "It " + be(Number::kSingular) + " " + person.last() + ", the " + person.trade() +
               " from " + person.home() + ", who " + verb(Number::kSingular) + " " +
               noun_phrase(any_number()) + ".";
      case 1:
        return person.first + " " + (past_ ? "kept" : "keeps") + " the " +
               person.thing_adjective() + " " + person.thing() + " near " + person.home() + ".";
      case 2:
        return "The " + person.trade() + " " + person.full() + " " + verb(Number::kSingular) + " " +
               person.possessive() + " " + person.thing() + ".";
      case 3:
        return "In " + person.home() + ", " + person.last() + " " + verb(Number::kSingular) + " " +
               noun_phrase(any_number()) + " with the " + person.thing() + ".";
      default:
        return "\"" + capital(noun_phrase(Number::kPlural)) + " " + be(Number::kPlural) + " " +
               adjective() + ",\" " + (past_ ? "said" : "says") + " " + person.first + " " +
               person.last() + ", the " + person.trade() + ".";
    }
  }

  std::string sentence() {
    const Number number = any_number();
    switch (random_.below(8)) {
      case 0:
        return capital(noun_phrase(number)) + " " + verb(number) + " " + noun_phrase(any_number()) +
               ".";
      case 1:
        return capital(noun_phrase(number)) + " " + be(number) + " " + adjective() + " and " +
               adjective() + ".";
      case 2: {
        // The verb agrees with the first noun, not with the nearest.
        const Number other = any_number();
        return capital(noun_phrase(number)) + " that " + any_person().first + " " +
               verb(Number::kSingular) + " near " + noun_phrase(other) + " " + verb(number) + " " +
               noun_phrase(any_number()) + ".";
      }
      case 3: {
        const Person& person = any_person();
        return person.first + " " + verb(Number::kSingular) + " " + noun_phrase(number) + ", and " +
               person.pronoun() + " " + verb(Number::kSingular) + " " + person.possessive() + " " +
               adjective() + " " + noun(any_number()) + ".";
      }
      case 4:
        return "In " + pick(random_, corpus_.places_) + ", " + noun_phrase(number) + " " +
               verb(number) + " " + noun_phrase(any_number()) + " and " +
               noun_phrase(any_number()) + ".";
      case 5:
        return "When " + noun_phrase(number) + " " + verb(number) + ", " + any_person().last() +
               " " + verb(Number::kSingular) + " " + noun_phrase(any_number()) + ".";
      case 6:
        return "Of " + std::to_string(2 + random_.below(98)) + " " + noun(Number::kPlural) +
               ", only " + noun_phrase(number) + " " + verb(number) + ".";
      default:
        return capital(noun_phrase(number)) + " of " + pick(random_, corpus_.places_) + " " +
               be(number) + " " + adjective() + (positive_ ? "!" : ".");
    }
  }

  const SampleCorpus& corpus_;
  RandomStream random_;
  int topic_ = 0;
  bool positive_ = false;
  bool past_ = false;
  std::vector<Person> persons_;
};

SampleCorpus::SampleCorpus(uint64_t seed) : seed_(seed) {
  WordMaker maker(seed);
  for (int i = 0; i < kNumTopics; ++i) {
    Topic topic;
    topic.name = maker.word(2);
    topic.nouns = maker.words(120, 1, 3);
    topic.verbs = maker.words(50, 1, 2);
    topics_.push_back(std::move(topic));
  }
  common_nouns_ = maker.words(150, 1, 3);
  common_verbs_ = maker.words(60, 1, 2);
  trades_ = maker.words(60, 2, 3);
  things_ = maker.words(120, 2, 3);
  praising_ = maker.words(60, 2, 3);
  blaming_ = maker.words(60, 2, 3);
  plain_adjectives_ = maker.words(100, 2, 3);
  first_names_ = maker.names(200, 1, 2, "");
  last_names_ = maker.names(300, 2, 3, "");
  places_ = maker.names(150, 1, 2, "mere");
}

std::string SampleCorpus::document(uint64_t index) const {
  return document_with_facts(index).text;
}

SampleDocument SampleCorpus::document_with_facts(uint64_t index) const {
  SampleWriter writer(*this, RandomStream(RandomPurpose::kSampleCorpus,
                                          {seed_, static_cast<uint64_t>(Part::kDocument), index}));
  return take_out_facts(writer.document());
}

SamplePassage SampleCorpus::passage(uint64_t index) const {
  SampleWriter writer(*this, RandomStream(RandomPurpose::kSampleCorpus,
                                          {seed_, static_cast<uint64_t>(Part::kPassage), index}));
  SamplePassage passage;
  passage.topic = writer.topic();
  passage.positive = writer.positive() ? 1 : 0;
  passage.text = take_out_facts(writer.passage()).text;
  return passage;
}

std::vector<std::string> SampleCorpus::topic_names() const {
  std::vector<std::string> names;
  for (const Topic& topic : topics_) names.push_back(topic.name);
  return names;
}

size_t SampleCorpus::num_word_forms() const {
  size_t nouns = common_nouns_.size();
  size_t verbs = common_verbs_.size();
  for (const Topic& topic : topics_) {
    nouns += topic.nouns.size();
    verbs += topic.verbs.size();
  }
  const size_t adjectives = praising_.size() + blaming_.size() + plain_adjectives_.size();
  return 2 * nouns + 4 * verbs + adjectives + trades_.size() + things_.size() +
         first_names_.size() + last_names_.size() + places_.size();
}

namespace {

/// Documents from `first_index` on until `bytes` are written; returns how many.
uint64_t write_documents(const SampleCorpus& corpus, const std::string& path, uint64_t first_index,
                         uint64_t bytes) {
  AtomicFile file(path);
  uint64_t count = 0;
  while (file.size() < bytes) {
    if (count > 0) file.write("\n");
    file.write(corpus.document(first_index + count));
    ++count;
  }
  file.commit();
  return count;
}

void write_labelled(const SampleCorpus& corpus, const std::string& path, uint64_t first_index,
                    uint64_t count) {
  const std::vector<std::string> topics = corpus.topic_names();
  std::string rows = "topic\tsentiment\ttext\n";
  for (uint64_t i = 0; i < count; ++i) {
    const SamplePassage passage = corpus.passage(first_index + i);
    rows += topics[static_cast<size_t>(passage.topic)] + "\t" +
            (passage.positive ? "positive" : "negative") + "\t" + passage.text + "\n";
  }
  write_file_atomically(path, rows);
}

}  // namespace

SampleFiles write_sample_corpus(const std::string& folder, double megabytes, uint64_t seed) {
  if (!(megabytes > 0.0 && megabytes <= 10000.0)) {
    fail_usage("--megabytes", format_number(megabytes) + " is out of range",
               "choose more than 0 and at most 10000, for example 4");
  }
  make_directories(folder);
  const SampleCorpus corpus(seed);
  const auto bytes = static_cast<uint64_t>(megabytes * 1e6);
  SampleFiles files{folder + "/train.txt", folder + "/valid.txt", folder + "/labelled-train.tsv",
                    folder + "/labelled-valid.tsv"};
  // Held-out texts use indices that the training texts never reach.
  constexpr uint64_t kHeldOut = uint64_t{1} << 31;
  files.train_documents = write_documents(corpus, files.train, 0, bytes);
  files.valid_documents = write_documents(corpus, files.valid, kHeldOut, bytes / 20);
  write_labelled(corpus, files.labelled_train, 0, 2000);
  write_labelled(corpus, files.labelled_valid, kHeldOut, 400);
  return files;
}

}  // namespace linformer
