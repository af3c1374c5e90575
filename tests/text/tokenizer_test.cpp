#include "linformer/text/tokenizer.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include "text/fixtures.h"

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/text/tokenizer_trainer.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class TokenizerTest : public ::testing::TestWithParam<const char*> {
 protected:
  const Tokenizer& tokenizer() const {
    return std::string(GetParam()) == "bpe" ? bpe_tokenizer() : unigram_tokenizer();
  }
};

TEST_P(TokenizerTest, HasRobertasSpecialIds) {
  EXPECT_EQ(tokenizer().vocab_size(), 1000);
  EXPECT_EQ(tokenizer().piece(0), "<s>");
  EXPECT_EQ(tokenizer().piece(1), "<pad>");
  EXPECT_EQ(tokenizer().piece(2), "</s>");
  EXPECT_EQ(tokenizer().piece(3), "<unk>");
  EXPECT_EQ(tokenizer().piece(999), "<mask>");
  EXPECT_EQ(tokenizer().mask_id(), 999);
  EXPECT_EQ(tokenizer().piece_id("<mask>"), 999);
  EXPECT_EQ(tokenizer().piece_id("no such piece"), kUnkId);
  EXPECT_TRUE(tokenizer().is_special(999));
  EXPECT_FALSE(tokenizer().is_special(4));
}

TEST_P(TokenizerTest, ReadsBackWhatItWrote) {
  for (const std::string text : {"The dog runs.", "numbers 1423 and (brackets)!",
                                 "\xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80 bytes"}) {
    const auto ids = tokenizer().encode(text);
    EXPECT_EQ(tokenizer().decode(ids), text);
    EXPECT_THAT(ids, Not(Contains(kUnkId))) << "byte fallback leaves nothing unknown";
  }
}

// The library reads the table of its normaliser without looking where it reads.
TEST(TokenizerFile, ADamagedTableOfCharactersIsRefused) {
  const std::string whole = unigram_tokenizer().model_bytes();
  // Behind the rule's name: a tag, three bytes of length, then 4 bytes and the trie.
  const size_t table = whole.find("nmt_nfkc") + 8 + 4;
  ASSERT_LT(table + 1024, whole.size());
  for (const auto& [at, bytes] : std::vector<std::pair<size_t, std::string>>{
           {0, std::string(4, '\xFF')},     // longer than the table
           {0, std::string(4, '\0')},       // no unit at all
           {4, std::string(4, '\xFF')}}) {  // a root that leads far away
    std::string damaged = whole;
    damaged.replace(table + at, bytes.size(), bytes);
    try {
      const Tokenizer tokenizer(damaged, "a.model");
      ADD_FAILURE() << "taken with " << bytes.size() << " bytes changed at " << at;
    } catch (const RunError& error) {
      EXPECT_THAT(error.what(), HasSubstr("a.model: its table of characters is damaged"));
    }
  }
}

TEST_P(TokenizerTest, LiteralSpecialPiecesStayText) {
  for (const int32_t id : tokenizer().encode("<s> a <mask> b</s> <pad><unk> <0x41> c<mask>")) {
    EXPECT_FALSE(tokenizer().is_special(id)) << id;
  }
  EXPECT_EQ(tokenizer().decode(tokenizer().encode("say <mask> and <s>")), "say <mask> and <s>");
}

TEST_P(TokenizerTest, LiteralsBecomeIdsWhenAsked) {
  const auto the = tokenizer().encode("the");
  auto expected = the;
  expected.push_back(999);
  expected.insert(expected.end(), the.begin(), the.end());
  expected.push_back(kEosId);
  EXPECT_EQ(tokenizer().encode("the <mask> the</s>", SpecialLiterals::kAsIds), expected);
  expected = the;
  expected.push_back(kUnkId);
  expected.insert(expected.end(), the.begin(), the.end());
  EXPECT_EQ(tokenizer().encode("the <unk> the", SpecialLiterals::kUnkAsId), expected);
  // Inside a word it is text, and so are the others.
  EXPECT_THAT(tokenizer().encode("x<unk> <mask>", SpecialLiterals::kUnkAsId),
              Not(::testing::AnyOf(Contains(kUnkId), Contains(999))));
  const auto prompt = tokenizer().encode("a<mask></s> <unk>", SpecialLiterals::kMaskAsId);
  EXPECT_EQ(std::count(prompt.begin(), prompt.end(), 999), 1);
  EXPECT_THAT(prompt, Not(::testing::AnyOf(Contains(kUnkId), Contains(kEosId))));
}

TEST_P(TokenizerTest, ShowsSpecialTokens) {
  auto ids = tokenizer().encode("the");
  ids.insert(ids.begin(), kBosId);
  ids.push_back(999);
  for (const int32_t id : tokenizer().encode("and")) ids.push_back(id);
  ids.push_back(kEosId);
  EXPECT_EQ(tokenizer().decode_with_specials(ids), "<s> the <mask> and</s>");
  EXPECT_EQ(tokenizer().decode(ids), "the and");
  EXPECT_EQ(tokenizer().decode_with_specials(std::vector<int32_t>{5000}), "<id 5000?>");
}

TEST_P(TokenizerTest, MarksWordStarts) {
  const auto& starts = tokenizer().word_starts();
  ASSERT_EQ(starts.size(), 1000u);
  for (int32_t id = 0; id < 1000; ++id) {
    const bool expected =
        tokenizer().is_special(id) || tokenizer().piece(id).starts_with("\xE2\x96\x81");
    EXPECT_EQ(starts[static_cast<size_t>(id)] == 1, expected) << tokenizer().piece(id);
  }
}

TEST_P(TokenizerTest, SentencePieceItselfReadsTheModel) {
  // The appended <mask> leaves an ordinary model file.
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(tokenizer().model_bytes()).ok());
  EXPECT_EQ(processor.GetPieceSize(), 1000);
  EXPECT_TRUE(processor.IsControl(999));
  EXPECT_EQ(processor.bos_id(), 0);
  EXPECT_EQ(processor.pad_id(), 1);
  EXPECT_EQ(processor.eos_id(), 2);
  EXPECT_EQ(processor.unk_id(), 3);
  EXPECT_THAT(processor.EncodeAsIds("the end."), tokenizer().encode("the end."));
}

TEST_P(TokenizerTest, EncodesFromSeveralThreads) {
  const std::string text = sample_text().substr(0, 20'000);
  const auto expected = tokenizer().encode(text);
  std::vector<std::vector<int32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) result = tokenizer().encode(text);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(results, Each(expected));
}

INSTANTIATE_TEST_SUITE_P(Types, TokenizerTest, ::testing::Values("unigram", "bpe"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST(Tokenizer, HashIsThatOfTheFile) {
  const TemporaryFolder folder;
  write_file(folder.file("t.model"), unigram_tokenizer().model_bytes());
  const Tokenizer loaded = Tokenizer::load(folder.file("t.model"));
  EXPECT_EQ(loaded.hash(), xxh3_of_file(folder.file("t.model")));
  EXPECT_EQ(loaded.hash(), unigram_tokenizer().hash());
  EXPECT_NE(loaded.hash(), bpe_tokenizer().hash());
}

TEST(Tokenizer, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<UsageError>([&] { Tokenizer::load(folder.file("none.model")); }),
              HasSubstr("none.model"));
  EXPECT_THAT(message_of<RunError>([] { Tokenizer("just text", "x.model"); }),
              HasSubstr("x.model: this is not a SentencePiece model"));
  EXPECT_THAT(message_of<RunError>([] { Tokenizer("", "x.model"); }),
              HasSubstr("not a SentencePiece model"));
  const std::string& whole = unigram_tokenizer().model_bytes();
  EXPECT_THAT(
      message_of<RunError>([&] { Tokenizer(whole.substr(0, whole.size() / 2), "x.model"); }),
      HasSubstr("x.model"));
}

TEST(Tokenizer, RefusesOtherSpecialIds) {
  // A model with SentencePiece's own ids: <unk> 0, <s> 1, </s> 2.
  const TemporaryFolder folder;
  write_file(folder.file("text.txt"), sample_text());
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      {{"input", folder.file("text.txt")}, {"vocab_size", "500"}, {"minloglevel", "2"}}, nullptr,
      &model);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(message_of<RunError>([&] { Tokenizer(model, "own.model"); }),
              HasSubstr("own.model: piece 0 is '<unk>', expected '<s>'"));
}

}  // namespace
}  // namespace linformer
