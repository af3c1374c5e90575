#include "linformer/text/tokenizer_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

class TokenizerTrainerTest : public ::testing::Test {
 protected:
  TokenizerTrainerTest() {
    write_file(folder_.file("text.txt"), sample_text().substr(0, 300'000));
    training_.inputs = {folder_.file("text.txt")};
    training_.vocab_size = 600;
  }
  std::string model() const {
    return train_tokenizer(training_, [](uint64_t) { return true; }).model_bytes;
  }

  TemporaryFolder folder_;
  TokenizerTraining training_;
};

TEST_F(TokenizerTrainerTest, SameSeedSameBytes) {
  training_.sample_sentences = 1500;  // fewer than there are, so that the draw matters
  const std::string first = model();
  EXPECT_TRUE(model() == first);
  training_.seed = 2;
  EXPECT_FALSE(model() == first);
}

TEST_F(TokenizerTrainerTest, VocabularyCountsTheSpecialTokens) {
  const Tokenizer tokenizer(model());
  EXPECT_EQ(tokenizer.vocab_size(), 600);
}

TEST_F(TokenizerTrainerTest, CountsWhatItReads) {
  write_file(folder_.file("two.txt"), "One here. Two here.\n\nBad \xFF here.\n");
  training_.inputs.push_back(folder_.file("two.txt"));
  const auto both = train_tokenizer(training_, [](uint64_t) { return true; });
  training_.inputs.pop_back();
  const auto one = train_tokenizer(training_, [](uint64_t) { return true; });
  EXPECT_EQ(both.documents - one.documents, 2);
  EXPECT_EQ(both.sentences - one.sentences, 3);
  EXPECT_EQ(both.invalid_utf8, 1u);
}

TEST_F(TokenizerTrainerTest, WithoutByteFallbackRareCharactersAreUnknown) {
  training_.byte_fallback = false;
  const Tokenizer tokenizer(model());
  EXPECT_THAT(tokenizer.encode("\xE6\x97\xA5"), ::testing::Contains(kUnkId));
}

TEST_F(TokenizerTrainerTest, MaskIsOneMoreRecord) {
  // Field 1 (pieces), 17 bytes: piece "<mask>", score 0.0F, type CONTROL.
  EXPECT_EQ(append_mask_piece("x"), std::string("x\x0A\x0F\x0A\x06<mask>\x15\0\0\0\0\x18\x03", 18));
}

// SentencePiece passes over what is longer than 16,384 bytes, and over what holds U+2585.
TEST_F(TokenizerTrainerTest, LearnsFromAllOfTheText) {
  const auto repeated = [](const std::string& words, size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += words;
    return text;
  };
  const std::string cat = "\xE7\x8C\xAB";
  const std::vector<std::pair<std::string, std::string>> cases{
      {repeated("zebra\xC3\xB1ish wombat ", 40'000), "zebra\xC3\xB1ish"},
      {repeated("zebra\xC3\xB1ish\tquoll\t", 20'000), "zebra\xC3\xB1ish"},
      {repeated(cat + "\xE9\xAD\x9A\xE3\x80\x82", 50'000), cat},
      {repeated("zebra\xC3\xB1ish", 17'000), "\xC3\xB1"},
      {repeated("\xE2\x96\x85 zebra\xC3\xB1ish ", 10'000), "zebra\xC3\xB1ish"}};
  write_file(folder_.file("text.txt"), sample_text().substr(0, 60'000));
  training_.type = TokenizerType::kBpe;
  for (const auto& [line, word] : cases) {
    write_file(folder_.file("long.txt"), line + "\n" + line + "\n");
    training_.inputs = {folder_.file("text.txt"), folder_.file("long.txt")};
    const auto trained = train_tokenizer(training_, [](uint64_t) { return true; });
    const Tokenizer tokenizer(trained.model_bytes);
    for (const int32_t id : tokenizer.encode(word)) {
      EXPECT_THAT(tokenizer.piece(id), ::testing::Not(::testing::StartsWith("<0x")))
          << line.substr(0, 40);
    }
    EXPECT_EQ(trained.cut_sentences, line.size() > 16'384 ? 2 : 0);
  }
}

TEST_F(TokenizerTrainerTest, NeverSpeaksInTheLibrarysWords) {
  for (const std::string text :
       {"\x01\x02\x03\n", "\xE2\x96\x85\n", "\xE2\x80\x8B\n", "\xFF\n", "\xE3\x80\x82\n", "a\n"}) {
    for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
      write_file(folder_.file("odd.txt"), text);
      training_.inputs = {folder_.file("odd.txt")};
      training_.type = type;
      std::string message;
      try {
        model();
      } catch (const std::exception& error) {
        message = error.what();
      }
      EXPECT_THAT(message, HasSubstr("fix: ")) << text;
      for (const char* internal : {"Internal:", ".cc", "[", "!sentences_"}) {
        EXPECT_THAT(message, ::testing::Not(HasSubstr(internal))) << text;
      }
    }
  }
}

// Japanese sentences follow each other without a blank; only the first is a word's beginning.
TEST_F(TokenizerTrainerTest, LearnsSentencesWithoutBlanksAsEncodingSeesThem) {
  const std::string cat = "\xE7\x8C\xAB", fish = "\xE9\xAD\x9A", stop = "\xE3\x80\x82";
  std::string text = fish;
  for (int i = 0; i < 200; ++i) text += stop + cat;
  write_file(folder_.file("ja.txt"), text + "\n" + text + "\n");
  training_.type = TokenizerType::kBpe;
  const auto without = train_tokenizer(training_, [](uint64_t) { return true; });
  training_.inputs.push_back(folder_.file("ja.txt"));
  const auto trained = train_tokenizer(training_, [](uint64_t) { return true; });
  EXPECT_EQ(trained.sentences - without.sentences, 2);
  const Tokenizer tokenizer(trained.model_bytes);
  EXPECT_NE(tokenizer.piece_id(cat), kUnkId);
  EXPECT_EQ(tokenizer.piece_id("\xE2\x96\x81" + cat), kUnkId);
}

TEST_F(TokenizerTrainerTest, RefusesAVocabularyThatTheTextCannotFill) {
  write_file(folder_.file("small.txt"), "a b c d e f g. A few words only.\n");
  training_.inputs = {folder_.file("small.txt")};
  training_.vocab_size = 5000;
  EXPECT_THAT(message_of<UsageError>([&] { model(); }),
              HasSubstr("--vocab-size: 5000 does not suit"));
}

TEST_F(TokenizerTrainerTest, RefusesOptionsOutOfRange) {
  training_.vocab_size = 100;  // 256 bytes do not fit
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--vocab-size: 100"));
  training_.vocab_size = 600;
  training_.character_coverage = 1.5;
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--character-coverage: 1.5"));
  training_.character_coverage = 1.0;
  training_.inputs.clear();
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--input: no text"));
}

TEST_F(TokenizerTrainerTest, ErrorsWhileReadingKeepTheirMessage) {
  write_file(folder_.file("bad.txt"), std::string("text\0text", 9));
  training_.inputs.push_back(folder_.file("bad.txt"));
  EXPECT_THAT(message_of<RunError>([&] { model(); }), HasSubstr("bad.txt: byte 4 is NUL"));
}

TEST_F(TokenizerTrainerTest, StopsWhenAsked) {
  write_file(folder_.file("all.txt"), sample_text());  // more sentences than between two questions
  training_.inputs = {folder_.file("all.txt")};
  EXPECT_THAT(
      message_of<RunError>([&] { train_tokenizer(training_, [](uint64_t) { return false; }); }),
      HasSubstr("stopped"));
}

}  // namespace
}  // namespace linformer
