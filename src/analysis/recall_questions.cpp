#include "linformer/analysis/recall_questions.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <map>
#include <string_view>
#include <utility>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/special_tokens.h"
#include "linformer/text/sentence_splitter.h"

namespace linformer {

namespace {

// Neither training texts (from 0 on) nor valid.txt (from 2^31 on) reach these documents.
constexpr uint64_t kFirstDocument = (uint64_t{1} << 31) + (uint64_t{1} << 30);

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

/// Byte ranges [begin, end) of the runs of letters. All words of the corpus are ASCII.
std::vector<std::pair<size_t, size_t>> words_of(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> words;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_letter(text[end])) ++end;
    if (end > i) words.emplace_back(i, end);
    i = std::max(end, i + 1);
  }
  return words;
}

}  // namespace

RecallQuestions::RecallQuestions(const Tokenizer& tokenizer, uint64_t seed,
                                 int64_t max_sequence_length, int64_t num_questions)
    : tokenizer_(tokenizer),
      encoder_(tokenizer),
      corpus_(seed),
      seed_(seed),
      room_(static_cast<size_t>(max_sequence_length) - 2),
      num_questions_(num_questions),
      index_(kFirstDocument) {
  assert(max_sequence_length >= kShortestLength);
}

std::string_view RecallQuestions::Document::text_of(const Word& word) const {
  return std::string_view(source.text).substr(word.begin, word.length);
}

const RecallQuestions::Word& RecallQuestions::Document::word_at(size_t byte) const {
  return *std::lower_bound(words.begin(), words.end(), byte,
                           [](const Word& word, size_t place) { return word.begin < place; });
}

RecallQuestions::Document RecallQuestions::encode(uint64_t index) {
  Document document;
  document.source = corpus_.document_with_facts(index);
  std::string_view text = document.source.text;
  text.remove_suffix(1);  // readers of text give no last line end either
  // Sentences end as in encode_corpus(). The blank before a word belongs to the word, since some
  // tokenizers encode the two together.
  std::vector<std::string_view> sentences;
  split_sentences(text, LineEnds::kBreak, sentences);
  std::vector<size_t> sentence_ends;
  for (const std::string_view sentence : sentences) {
    sentence_ends.push_back(static_cast<size_t>(sentence.data() - text.data()) + sentence.size());
  }
  const auto spaced_begin = [&](size_t begin) {
    return begin > 0 && text[begin - 1] == ' ' ? begin - 1 : begin;
  };
  const auto words = words_of(text);
  std::vector<size_t> cuts = sentence_ends;
  for (const auto& [begin, end] : words) {
    cuts.push_back(spaced_begin(begin));
    cuts.push_back(end);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<uint32_t> counts;
  encoder_.encode(text, {}, cuts, document.ids, counts);
  std::vector<size_t> tokens_before;  // each cut
  size_t sum = 0;
  for (const uint32_t count : counts) tokens_before.push_back(sum += count);
  const auto token_at = [&](size_t cut) {
    const auto place = std::lower_bound(cuts.begin(), cuts.end(), cut) - cuts.begin();
    return tokens_before[static_cast<size_t>(place)];
  };
  document.sentence_begins.push_back(0);
  for (const size_t end : sentence_ends) {
    if (token_at(end) > document.sentence_begins.back()) {
      document.sentence_begins.push_back(token_at(end));
    }
  }
  document.sentence_begins.back() = document.ids.size();
  for (const auto& [begin, end] : words) {
    document.words.push_back({begin, end - begin, token_at(spaced_begin(begin)), token_at(end)});
  }
  return document;
}

const RecallQuestions::Document& RecallQuestions::document(size_t ahead) {
  while (documents_.size() <= ahead) documents_.push_back(encode(index_ + documents_.size()));
  return documents_[ahead];
}

std::vector<RecallQuestions::Stretch> RecallQuestions::window(const Word& word) {
  const Document& asked = document(0);
  const std::vector<size_t>& begins = asked.sentence_begins;
  // The sentence of the question is [*sentence, *(sentence + 1)).
  const auto sentence = std::upper_bound(begins.begin(), begins.end(), word.first_token) - 1;
  const size_t end = *(sentence + 1);
  Stretch stretch{&asked, 0, 0, 1};
  if (end - *sentence > room_) {  // a part of the sentence
    stretch.first = std::max(*sentence, std::max(word.last_token, room_) - room_);
    stretch.last = std::min(end, stretch.first + room_);
    return {stretch};
  }
  if (end > room_) stretch.first = *std::lower_bound(begins.begin(), sentence, end - room_);
  stretch.last = *(std::upper_bound(sentence, begins.end(), stretch.first + room_) - 1);
  std::vector<Stretch> stretches{stretch};
  size_t used = stretch.last - stretch.first;
  for (size_t ahead = 1; stretches.back().last == stretches.back().document->ids.size(); ++ahead) {
    const Document& next = document(ahead);
    const std::vector<size_t>& ends = next.sentence_begins;
    const size_t left = room_ - std::min(room_, used + 1);  // behind a </s>
    const size_t last = *(std::upper_bound(ends.begin(), ends.end(), left) - 1);
    if (last == 0) break;
    stretches.push_back({&next, 0, last, used + 2});
    used += 1 + last;
  }
  return stretches;
}

std::optional<RecallQuestion> RecallQuestions::ask() {
  const Document& asked = document(0);
  std::vector<FactMention> repeated;
  for (const FactMention& fact : asked.source.facts) {
    if (fact.repeated) repeated.push_back(fact);
  }
  RandomStream random(RandomPurpose::kRecall, {seed_, index_});
  const FactMention& fact = repeated[random.below(repeated.size())];
  const Word& word = asked.word_at(fact.begin);
  const auto begin = asked.ids.begin() + static_cast<std::ptrdiff_t>(word.first_token);
  const auto end = asked.ids.begin() + static_cast<std::ptrdiff_t>(word.last_token);
  if (begin == end || std::find(begin, end, kUnkId) != end) return std::nullopt;

  RecallQuestion question;
  question.kind = fact.kind;
  question.word = asked.text_of(word);
  question.row.labels.assign(begin, end);
  std::vector<int32_t>& ids = question.row.input_ids;
  ids.push_back(kBosId);
  size_t position = 0;
  std::vector<size_t> others;  // positions of other mentions
  for (const Stretch& stretch : window(word)) {
    const Document& document = *stretch.document;
    const auto all = document.ids.begin();
    ids.insert(ids.end(), all + static_cast<std::ptrdiff_t>(stretch.first),
               all + static_cast<std::ptrdiff_t>(stretch.last));
    ids.push_back(kEosId);
    for (const Word& other : document.words) {
      if (other.first_token < stretch.first || other.last_token > stretch.last) continue;
      if (document.text_of(other) != question.word) continue;
      const size_t place = stretch.row_begin + other.first_token - stretch.first;
      if (&other == &word) {
        position = place;
      } else {
        others.push_back(place);
      }
    }
  }
  for (size_t i = 0; i < question.row.labels.size(); ++i) {
    question.row.positions.push_back(static_cast<int32_t>(position + i));
    ids[position + i] = tokenizer_.mask_id();
  }
  for (const size_t other : others) {
    const auto distance =
        static_cast<int64_t>(std::max(other, position) - std::min(other, position));
    if (question.distance == 0 || distance < question.distance) question.distance = distance;
  }
  return question;
}

std::optional<RecallQuestion> RecallQuestions::next() {
  while (num_asked_ < num_questions_) {
    std::optional<RecallQuestion> question = ask();
    documents_.pop_front();
    ++index_;
    if (question) {
      ++num_asked_;
      return question;
    }
    ++num_unknown_;
    if (num_unknown_ > std::max<int64_t>(10, num_questions_ / 10)) {
      fail_run(tokenizer_.name(),
               "does not know the words of the sample corpus: it has <unk> in " +
                   format_count(num_unknown_) + " of " + format_count(num_asked_ + num_unknown_) +
                   " words to recall",
               "take a model that was trained on text of linformer-data sample");
    }
  }
  return std::nullopt;
}

std::vector<std::string> most_frequent_facts(const SampleCorpus& corpus, uint64_t num_documents) {
  std::vector<std::map<std::string, int64_t>> counts(EnumNames<FactKind>::kNames.size());
  for (uint64_t index = 0; index < num_documents; ++index) {
    const SampleDocument document = corpus.document_with_facts(index);
    for (const FactMention& fact : document.facts) {
      ++counts[static_cast<size_t>(fact.kind)][document.text.substr(fact.begin, fact.length)];
    }
  }
  std::vector<std::string> best;
  for (const auto& words : counts) {
    const auto most =
        std::max_element(words.begin(), words.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    best.push_back(most == words.end() ? "" : most->first);
  }
  return best;
}

}  // namespace linformer
