#include "linformer/text/text_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include "text/byte_bpe_fixtures.h"
#include "text/fixtures.h"

#include "linformer/text/sentence_splitter.h"

namespace linformer {
namespace {

using Ids = std::vector<int32_t>;

Ids encode(TextEncoder& encoder, std::string_view text, const EncodeOptions& options = {}) {
  Ids ids;
  encoder.encode(text, options, ids);
  return ids;
}

/// What the library makes of the whole text.
Ids sentencepiece_ids(const Tokenizer& tokenizer, const std::string& text) {
  sentencepiece::SentencePieceProcessor processor;
  EXPECT_TRUE(processor.LoadFromSerializedProto(tokenizer.model_bytes()).ok());
  std::vector<int> ids;
  EXPECT_TRUE(processor.Encode(text, &ids).ok());
  return {ids.begin(), ids.end()};
}

TEST(TextEncoder, EqualsSentencePieceOnWholeTexts) {
  for (const std::string& text :
       {sample_text().substr(0, 200'000), std::string("  two   blanks "),
        std::string("tab\tand\nline\n\nend"), std::string(""),
        std::string("combining: a \xCC\x81 mark"), "the " + std::string(40, 'z') + " word",
        std::string("no\xC2\xA0"
                    "break \xE3\x80\x80wide"),
        std::string("\xEF\xAC\x81x ligature \xE2\x84\xA2")}) {
    EXPECT_EQ(bpe_tokenizer().encode(text), sentencepiece_ids(bpe_tokenizer(), text));
    TextEncoder encoder(bpe_tokenizer());
    EXPECT_EQ(encode(encoder, text), bpe_tokenizer().encode(text)) << text;
    EXPECT_EQ(encode(encoder, text), bpe_tokenizer().encode(text)) << "from memory: " << text;
  }
}

TEST(TextEncoder, EqualsSentencePieceForUnigramButForTies) {
  TextEncoder encoder(unigram_tokenizer());
  std::vector<std::string_view> sentences;
  split_sentences(sample_text(), LineEnds::kBreak, sentences);
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(unigram_tokenizer().model_bytes()).ok());
  size_t different = 0;
  for (const auto sentence : sentences) {
    const Ids ids = encode(encoder, sentence);
    ASSERT_EQ(ids, unigram_tokenizer().encode(sentence)) << sentence;
    std::vector<int> expected;
    ASSERT_TRUE(processor.Encode(sentence, &expected).ok());
    different += ids != expected;
    // Ties differ in where a word is cut, never in the text.
    ASSERT_EQ(unigram_tokenizer().decode(ids), unigram_tokenizer().decode(expected));
  }
  // Measured on English text: 8 sentences in 100,000.
  EXPECT_LE(different, sentences.size() / 1000) << "of " << sentences.size();
}

TEST(TextEncoder, TreatsLiteralsAsAsked) {
  const std::string text = "the <unk> and <mask> the x<unk>\n<unk>\t<unk> y";
  TextEncoder encoder(bpe_tokenizer());
  for (const auto literals : {SpecialLiterals::kAsText, SpecialLiterals::kUnkAsId,
                              SpecialLiterals::kMaskAsId, SpecialLiterals::kAsIds}) {
    EXPECT_EQ(encode(encoder, text, {literals}), bpe_tokenizer().encode(text, literals));
  }
  const Ids ids = encode(encoder, text, {SpecialLiterals::kUnkAsId});
  EXPECT_EQ(std::count(ids.begin(), ids.end(), kUnkId), 3);
}

// "a the": 101, 262. Ids 36 and 14 are a blank and a line end.
TEST(TextEncoder, CountsTheIdsOfStretches) {
  const Tokenizer tiny(to_model_bytes(tiny_byte_bpe()), "tiny");
  const std::string text = "a the\nthe";
  const auto counts_of = [&](const std::vector<size_t>& cuts) {
    TextEncoder encoder(tiny);
    Ids ids;
    std::vector<uint32_t> counts;
    encoder.encode(text, {}, cuts, ids, counts);
    EXPECT_EQ(ids, (Ids{101, 262, 14, 120, 261}));
    return counts;
  };
  using Counts = std::vector<uint32_t>;
  EXPECT_EQ(counts_of({}), (Counts{5}));
  EXPECT_EQ(counts_of({1}), (Counts{1, 4}));  // before the blank of " the"
  EXPECT_EQ(counts_of({2}), (Counts{2, 3}));  // " the" began before the cut
  EXPECT_EQ(counts_of({5, 6}), (Counts{2, 1, 2}));
  EXPECT_EQ(counts_of({7}), (Counts{4, 1}));        // "t", "he": the word is cut
  EXPECT_EQ(counts_of({8, 9}), (Counts{5, 0, 0}));  // within "he", behind everything
  EXPECT_EQ(counts_of({0, 1, 1}), (Counts{0, 1, 0, 4}));
}

TEST(TextEncoder, WhatContinuesBeginsNoWord) {
  for (const Tokenizer* tokenizer : {&unigram_tokenizer(), &bpe_tokenizer()}) {
    TextEncoder encoder(*tokenizer);
    const Ids whole = tokenizer->encode("the, dog");
    Ids parts = tokenizer->encode("the");
    for (const int32_t id : encode(encoder, ", dog", {SpecialLiterals::kAsText, true})) {
      parts.push_back(id);
    }
    EXPECT_EQ(parts, whole);
    // A blank at the front begins a word all the same.
    EXPECT_EQ(encode(encoder, " dog", {SpecialLiterals::kAsText, true}), tokenizer->encode("dog"));
    // Behind <mask> as well: what is guessed there is the word before the comma.
    Ids masked = tokenizer->encode("the, dog");
    masked.front() = tokenizer->mask_id();
    ASSERT_EQ(tokenizer->encode("the").size(), 1u);
    EXPECT_EQ(tokenizer->encode("<mask>, dog", SpecialLiterals::kMaskAsId), masked);
  }
}

}  // namespace
}  // namespace linformer
