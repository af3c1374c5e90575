// A property test over scripts and kinds of tokenizers: a text has the same ids wherever it is
// encoded, be it as a document of a corpus, cut into sentences (pre-training, held-out text), or at
// once by the tokenizer (fine-tuning, prediction).
#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sentencepiece_processor.h>

#include "text/byte_bpe_fixtures.h"
#include "text/fixtures.h"

#include "linformer/core/random.h"
#include "linformer/text/corpus_encoder.h"
#include "linformer/text/text_encoder.h"
#include "linformer/text/tokenizer_trainer.h"

namespace linformer {
namespace {

using Ids = std::vector<int32_t>;
using Words = std::vector<std::string>;

/// How a script writes: its words, what stands between them, and what ends its sentences.
struct Script {
  Words words, gaps, stops;
};

const std::map<std::string, Script>& scripts() {
  static const std::map<std::string, Script> all{
      {"latin",
       {{"The", "cat", "It's", "naïve", "e.g", "U.S", "3.5", "\"Oh", "\"quoted\"", "(so)"},
        {" ", " ", "  ", "\t"},
        {". ", "! ", "?\n", "...  ", ".\" ", ".\n\n", "."}}},
      {"german", {{"Straße", "Äpfel", "über", "„Wort“", "z.B"}, {" "}, {". ", "!\n", ".“ "}}},
      {"cyrillic", {{"Привет", "мир", "это", "«да»"}, {" "}, {". ", "? ", "…\n"}}},
      {"greek", {{"Καλημέρα", "κόσμε", "και"}, {" "}, {". ", "; ", "!\n"}}},
      {"chinese",
       {{"今天", "天气", "很好", "我们", "「去」", "2024年"},
        {"", "", "，"},
        {"。", "！", "？」", "。\n"}}},
      {"japanese",
       {{"猫は", "魚を", "食べる", "カタカナ", "「はい」", "が\xE3\x82\x99"},
        {"", "", "、", "\xE3\x80\x80"},
        {"。", "！", "？", "。」", "。\xE3\x80\x80", "。 ", "。\n"}}},
      {"thai", {{"ภาษา", "ไทย", "ไม่มี", "ช่องว่าง"}, {"", "", " "}, {"", " ", "\n"}}},
      {"korean", {{"한국어", "텍스트", "입니다"}, {" "}, {". ", ".\n"}}},
      {"arabic", {{"مرحبا", "بالعالم", "هذا"}, {" ", "، "}, {". ", "؟ ", "!\n"}}},
      {"persian", {{"می\xE2\x80\x8Cروم", "کتاب"}, {" "}, {". ", "؟\n"}}},
      {"hindi", {{"नमस्ते", "दुनिया", "यह"}, {" "}, {"। ", "।\n", "? "}}},
      {"emoji", {{"😀", "👩‍👩‍👧", "🇩🇪", "ok"}, {"", " "}, {"! ", "😀. ", "\n"}}},
      {"marks",
       {{"e\xCC\x81", "\xCC\x81x",
         "a\xC2\xA0"
         "b",
         "ﬁn", "\xC2\xA8y"},
        {" ", "\n", "  "},
        {". ", ".\n"}}},
      {"code",
       {{"int", "x=1;", "{", "}", "//", "▁a", "<unk>", "<mask>"},
        {" ", "    ", "\t"},
        {"\n", ";\n"}}},
  };
  return all;
}

std::string pick(const Words& from, RandomStream& random) {
  return from[random.below(from.size())];
}

std::string text_of(const Script& script, RandomStream& random) {
  std::string text;
  for (uint64_t sentences = 1 + random.below(6); sentences > 0; --sentences) {
    for (uint64_t words = 1 + random.below(7); words > 0; --words) {
      text += pick(script.words, random);
      if (words > 1) text += pick(script.gaps, random);
    }
    text += pick(script.stops, random);
  }
  return text;
}

std::string mixed_text(RandomStream& random) {
  std::string text;
  for (int parts = 0; parts < 4; ++parts) {
    auto script = scripts().begin();
    std::advance(script, static_cast<std::ptrdiff_t>(random.below(scripts().size())));
    text += text_of(script->second, random) + pick({"", " ", "\n"}, random);
  }
  return text;
}

/// `count` texts of each script and as many that mix them.
std::vector<std::string> texts(int count, uint64_t seed) {
  RandomStream random(RandomPurpose::kSampleCorpus, {seed});
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    for (const auto& [name, script] : scripts()) all.push_back(text_of(script, random));
    all.push_back(mixed_text(random));
  }
  return all;
}

std::string as_json_lines(const std::vector<std::string>& documents) {
  std::string lines;
  for (const std::string& text : documents) lines += nlohmann::json{{"text", text}}.dump() + "\n";
  return lines;
}

const Tokenizer& trained(TokenizerType type, const std::string& normalization) {
  static std::map<std::pair<TokenizerType, std::string>, Tokenizer> all;
  const auto key = std::pair(type, normalization);
  auto found = all.find(key);
  if (found == all.end()) {
    const TemporaryFolder folder;
    write_file(folder.file("all.jsonl"), as_json_lines(texts(60, /*seed=*/1)));
    TokenizerTraining training;
    training.inputs = {folder.file("all.jsonl")};
    training.type = type;
    training.vocab_size = 700;
    training.character_coverage = 1.0;
    training.normalization = normalization;
    const auto model = train_tokenizer(training, [](uint64_t) { return true; }).model_bytes;
    found = all.emplace(key, Tokenizer(model, "trained")).first;
  }
  return found->second;
}

struct Kind {
  const char* name;
  const Tokenizer& (*tokenizer)();
};

class WholeTextTest : public ::testing::TestWithParam<Kind> {
 protected:
  const Tokenizer& tokenizer() const { return GetParam().tokenizer(); }
};

/// Documents put together from their sentences again.
struct Documents : CorpusSink {
  bool wants(uint64_t) const override { return true; }
  void take(const EncodedDocuments& encoded) override {
    size_t token = 0;
    size_t sentence = 0;
    for (const uint32_t count : encoded.document_sentences) {
      size_t length = 0;
      for (uint32_t s = 0; s < count; ++s) {
        EXPECT_GT(encoded.sentence_tokens[sentence], 0u);
        length += encoded.sentence_tokens[sentence++];
      }
      const auto begin = encoded.tokens.begin() + static_cast<std::ptrdiff_t>(token);
      ids.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
      token += length;
    }
    num_sentences += sentence;
  }
  void end_shard(const ShardText&) override {}
  void progress(uint64_t) override {}

  std::vector<Ids> ids;
  size_t num_sentences = 0;
};

Documents encode_documents(const Tokenizer& tokenizer, const std::string& path,
                           std::optional<TextLayout> layout = std::nullopt) {
  CorpusOptions options;
  options.inputs = {path};
  options.layout = layout;
  Documents documents;
  encode_corpus(options, tokenizer, documents);
  return documents;
}

TEST_P(WholeTextTest, ADocumentHasTheIdsOfItsText) {
  const std::vector<std::string> documents = texts(30, /*seed=*/2);
  const TemporaryFolder folder;
  write_file(folder.file("all.jsonl"), as_json_lines(documents));
  const Documents encoded = encode_documents(tokenizer(), folder.file("all.jsonl"));
  ASSERT_EQ(encoded.ids.size(), documents.size());
  for (size_t d = 0; d < documents.size(); ++d) {
    ASSERT_EQ(encoded.ids[d], tokenizer().encode(documents[d])) << documents[d];
  }
  EXPECT_GT(encoded.num_sentences, 2 * documents.size()) << "nothing was cut";
}

TEST_P(WholeTextTest, ALineHasTheIdsOfItsText) {
  std::string file;
  std::vector<std::string> lines;
  for (std::string text : texts(10, /*seed=*/3)) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (text.find_first_not_of(" \t") == text.npos) continue;
    lines.push_back(text);
    file += text + "\n";
  }
  const TemporaryFolder folder;
  write_file(folder.file("lines.txt"), file);
  const Documents encoded =
      encode_documents(tokenizer(), folder.file("lines.txt"), TextLayout::kLines);
  ASSERT_EQ(encoded.ids.size(), lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(encoded.ids[i], tokenizer().encode(lines[i])) << lines[i];
  }
}

// Parts of a document that is too long, put in a row: cut before blanks and line ends, and at the
// end of sentences that none follows.
TEST_P(WholeTextTest, PartsOfALongDocumentHaveTheIdsOfTheWhole) {
  for (const char* name : {"latin", "cyrillic", "japanese", "chinese", "hindi"}) {
    RandomStream random(RandomPurpose::kSampleCorpus, {4});
    std::string text;
    while (text.size() < 20'000) text += text_of(scripts().at(name), random);
    for (size_t at; (at = text.find("\n\n")) != text.npos;) text.erase(at, 1);
    text = text.substr(text.find_first_not_of(" \n"));
    if (text.back() == '\n') text.pop_back();
    const TemporaryFolder folder;
    write_file(folder.file("long.txt"), text);
    DocumentReader reader(folder.file("long.txt"), TextLayout::kBlankLines,
                          /*max_document_bytes=*/3'000);
    TextEncoder encoder(tokenizer());
    Ids ids;
    std::string joined;
    int parts = 0;
    for (; const auto part = reader.next(); ++parts) {
      EXPECT_EQ(part->continues, parts > 0);
      joined += part->text;
      encoder.encode(part->text, {SpecialLiterals::kAsText, part->continues}, ids);
    }
    EXPECT_GT(parts, 5) << name;
    ASSERT_EQ(joined, text) << name;
    EXPECT_EQ(ids, tokenizer().encode(text)) << name;
  }
}

// Words without an end: each unit is cut at the same places wherever it is encoded.
TEST_P(WholeTextTest, LongStretchesWithoutBlanksAreEncodedInBoundedUnits) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += i % 50 == 49 ? "。" : "猫魚";
  size_t longest = 0;
  std::string joined;
  tokenizer().for_each_unit(text, {}, [&](const TextUnit& unit) {
    longest = std::max(longest, unit.text.size());
    joined += unit.text;
  });
  EXPECT_EQ(joined, text);
  EXPECT_LE(longest, size_t{1} << 16);
  const TemporaryFolder folder;
  write_file(folder.file("long.txt"), text);
  const Documents encoded =
      encode_documents(tokenizer(), folder.file("long.txt"), TextLayout::kLines);
  ASSERT_EQ(encoded.ids.size(), 1u);
  EXPECT_EQ(encoded.ids[0], tokenizer().encode(text));
  EXPECT_GE(encoded.num_sentences, 400u);
  EXPECT_EQ(tokenizer().decode(encoded.ids[0]), text);
}

INSTANTIATE_TEST_SUITE_P(
    Tokenizers, WholeTextTest,
    ::testing::Values(
        Kind{"Unigram",
             []() -> const Tokenizer& { return trained(TokenizerType::kUnigram, "nmt_nfkc"); }},
        Kind{"Bpe", []() -> const Tokenizer& { return trained(TokenizerType::kBpe, "nmt_nfkc"); }},
        Kind{"Identity",
             []() -> const Tokenizer& { return trained(TokenizerType::kUnigram, "identity"); }},
        Kind{"LowerCase",
             []() -> const Tokenizer& { return trained(TokenizerType::kBpe, "nfkc_cf"); }},
        Kind{"ByteBpe",
             []() -> const Tokenizer& {
               static const Tokenizer tokenizer(to_model_bytes(tiny_byte_bpe()), "tiny");
               return tokenizer;
             }}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

// What SentencePiece itself makes of the whole: no mark of a word behind a stop.
TEST(WholeText, ATextWithoutBlanksHasOneWord) {
  const Tokenizer& tokenizer = trained(TokenizerType::kUnigram, "nmt_nfkc");
  int marks = 0;
  for (const int32_t id : tokenizer.encode("猫は魚を食べる。猫は「はい」！魚を。")) {
    marks += tokenizer.begins_word(id) ? 1 : 0;
  }
  EXPECT_EQ(marks, 1);
}

// Without a normaliser the mark of a blank is a character, of which SentencePiece drops the last.
TEST(WholeText, MarksOfBlanksThatATextSpellsOutAreThoseOfSentencePiece) {
  const Tokenizer& tokenizer = trained(TokenizerType::kUnigram, "identity");
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(tokenizer.model_bytes()).ok());
  const Words parts{"ab", "c", " ", "  ", "\u2581"};
  RandomStream random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (int n = 0; n < 8; ++n) text += parts[random.below(parts.size())];
    std::vector<int> expected;
    ASSERT_TRUE(processor.Encode(text, &expected).ok());
    ASSERT_EQ(tokenizer.encode(text), Ids(expected.begin(), expected.end())) << text;
  }
}

// The case that was found: the blank between two sentences is part of "ĠOne".
TEST(WholeText, ByteBpeKeepsTheBlankBetweenSentences) {
  const Tokenizer tokenizer(to_model_bytes(tiny_byte_bpe()), "tiny");
  const TemporaryFolder folder;
  write_file(folder.file("one.txt"), "A is here. One more\nand the next");
  const Documents encoded =
      encode_documents(tokenizer, folder.file("one.txt"), TextLayout::kBlankLines);
  ASSERT_EQ(encoded.ids.size(), 1u);
  EXPECT_EQ(tokenizer.decode(encoded.ids[0]), "A is here. One more\nand the next");
  EXPECT_EQ(encoded.num_sentences, 3u);
}

TEST(WholeText, JoinedLineEndsAreOneBlank) {
  const Tokenizer tokenizer(to_model_bytes(tiny_byte_bpe()), "tiny");
  const TemporaryFolder folder;
  write_file(folder.file("wrapped.jsonl"), as_json_lines({"a the \r\n  low.\nThe\n\nlower"}));
  CorpusOptions options;
  options.inputs = {folder.file("wrapped.jsonl")};
  options.line_ends = LineEnds::kJoin;
  Documents encoded;
  encode_corpus(options, tokenizer, encoded);
  EXPECT_EQ(tokenizer.decode(encoded.ids.at(0)), "a the low. The\n\nlower");
  EXPECT_EQ(encoded.num_sentences, 3u);
}

}  // namespace
}  // namespace linformer
