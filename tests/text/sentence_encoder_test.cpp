#include "linformer/text/sentence_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/text/sentence_splitter.h"

namespace linformer {
namespace {

std::vector<int32_t> encode(SentenceEncoder& encoder, std::string_view text) {
  std::vector<int32_t> ids;
  encoder.encode(text, ids);
  return ids;
}

TEST(SentenceEncoder, ModelsOfOursAreEncodedByWord) {
  EXPECT_TRUE(unigram_tokenizer().encodes_by_word());
  EXPECT_TRUE(bpe_tokenizer().encodes_by_word());
}

TEST(SentenceEncoder, EqualsSentencePieceForBpe) {
  SentenceEncoder encoder(bpe_tokenizer());
  std::vector<std::string_view> sentences;
  split_sentences(sample_text(), LineEnds::kBreak, sentences);
  for (const auto sentence : sentences) {
    ASSERT_EQ(encode(encoder, sentence), bpe_tokenizer().encode(sentence)) << sentence;
  }
}

TEST(SentenceEncoder, EqualsSentencePieceForUnigramButForTies) {
  SentenceEncoder encoder(unigram_tokenizer());
  std::vector<std::string_view> sentences;
  split_sentences(sample_text(), LineEnds::kBreak, sentences);
  size_t different = 0;
  for (const auto sentence : sentences) {
    const auto ids = encode(encoder, sentence);
    const auto expected = unigram_tokenizer().encode(sentence);
    different += ids != expected;
    // Ties differ in where a word is cut, never in the text.
    ASSERT_EQ(unigram_tokenizer().decode(ids), unigram_tokenizer().decode(expected));
  }
  // Measured on English text: 8 sentences in 100,000.
  EXPECT_LE(different, sentences.size() / 1000) << "of " << sentences.size();
}

TEST(SentenceEncoder, TreatsBlanksAndOddWordsAsSentencePieceDoes) {
  const std::string long_word(40, 'z');  // too long to be remembered
  for (const std::string& text :
       {std::string("  two   blanks "), std::string("tab\tand\nline"), std::string(""),
        std::string("combining: a \xCC\x81 mark"), "the " + long_word + " word",
        std::string("no\xC2\xA0"
                    "break \xE3\x80\x80wide"),
        std::string("\xEF\xAC\x81x ligature \xE2\x84\xA2")}) {
    for (const Tokenizer* tokenizer : {&unigram_tokenizer(), &bpe_tokenizer()}) {
      SentenceEncoder encoder(*tokenizer);
      EXPECT_EQ(encode(encoder, text), tokenizer->encode(text)) << text;
      EXPECT_EQ(encode(encoder, text), tokenizer->encode(text)) << "from memory: " << text;
    }
  }
}

TEST(SentenceEncoder, TreatsLiteralsAsAsked) {
  const std::string text = "the <unk> and <mask> the x<unk>";
  for (const auto literals : {SpecialLiterals::kAsText, SpecialLiterals::kUnkAsId,
                              SpecialLiterals::kMaskAsId, SpecialLiterals::kAsIds}) {
    SentenceEncoder encoder(bpe_tokenizer(), literals);
    EXPECT_EQ(encode(encoder, text), bpe_tokenizer().encode(text, literals));
  }
}

}  // namespace
}  // namespace linformer
