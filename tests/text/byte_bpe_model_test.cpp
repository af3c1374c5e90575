// Byte-level BPE through the class Tokenizer: computed by hand, and against Hugging Face's
// implementation.
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/byte_bpe_fixtures.h"
#include "text/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/text/text_encoder.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

const Tokenizer& tiny() {
  static const Tokenizer tokenizer(to_model_bytes(tiny_byte_bpe()), "tiny");
  return tokenizer;
}

std::string refusal(const ByteBpe& bpe) {
  try {
    const Tokenizer tokenizer(to_model_bytes(bpe), "made up");
  } catch (const RunError& error) {
    return error.what();
  }
  return "";
}

// t 116, h 104, blank 32, i 105, a 97, b 98: ids 120, 108, 36, 109, 101, 102.
TEST(ByteBpeModel, MergesByRankWithinWords) {
  // "the": (h e) is merge 1; "t he" is none. " lower": lo, low, er, and last of all the blank.
  EXPECT_EQ(tiny().encode("the lower"), (Ids{120, 261, 268, 265}));
  // " the": (Ġ t) is merge 0, (h e) 1, then both.
  EXPECT_EQ(tiny().encode("low the"), (Ids{264, 262}));
  // One of two equal pairs that overlap: the left one.
  EXPECT_EQ(tiny().encode("aaa"), (Ids{267, 101}));
  EXPECT_EQ(tiny().encode("aaaa"), (Ids{267, 267}));
  EXPECT_TRUE(tiny().encode("").empty());
}

TEST(ByteBpeModel, CutsWordsAsGpt2) {
  EXPECT_EQ(tiny().encode("it's"), (Ids{109, 120, 266}));
  // The last of several blanks goes with the word: "a", " ", " the".
  EXPECT_EQ(tiny().encode("a  the"), (Ids{101, 36, 262}));
  // A line end does not: "a", "\n", "the"; and neither does a no-break space, C2 A0.
  EXPECT_EQ(tiny().encode("a\nthe"), (Ids{101, 14, 120, 261}));
  EXPECT_EQ(tiny().encode("a\xC2\xA0the"), (Ids{101, 198, 164, 120, 261}));
  // Letters and digits part: "lo", "1", "w", so nothing makes "low" of them.
  EXPECT_EQ(tiny().encode("lo1w"), (Ids{263, 53, 123}));
  // Blanks at the end stay.
  EXPECT_EQ(tiny().encode("a  "), (Ids{101, 36, 36}));
  // U+0301 is no letter and ends the word: "lo", the mark, "w".
  EXPECT_EQ(tiny().encode("lo\xCC\x81w"), (Ids{263, 208, 133, 123}));
  // U+00E9 is one: the bytes C3 A9 are 195 and 169.
  EXPECT_EQ(tiny().encode("\xC3\xA9"), (Ids{199, 173}));
}

TEST(ByteBpeModel, GivesTheBytesBack) {
  for (const std::string text :
       {"  The dog's\t\nlow  ", "caf\xC3\xA9 \xF0\x9F\x98\x80 \xE6\x97\xA5"}) {
    EXPECT_EQ(tiny().decode(tiny().encode(text)), text);
  }
  // Half a character is U+FFFD, in ids and in text.
  EXPECT_EQ(tiny().decode(Ids{101, 199}), "a\xEF\xBF\xBD");
  EXPECT_EQ(tiny().encode("a\xC3"), tiny().encode("a\xEF\xBF\xBD"));
  EXPECT_EQ(tiny().decode_with_specials(Ids{0, 101, 269, 262, 2}), "<s>a <mask> the</s>");
}

TEST(ByteBpeModel, SpecialPiecesComeFromLiteralsAlone) {
  for (const int32_t id : tiny().encode("<s> a <mask></s>")) EXPECT_FALSE(tiny().is_special(id));
  // The blank before <mask> belongs to it, the one behind stays.
  EXPECT_EQ(tiny().encode("a <mask> the", SpecialLiterals::kMaskAsId), (Ids{101, 269, 262}));
  EXPECT_EQ(tiny().encode("a \xE3\x80\x80<mask> ", SpecialLiterals::kMaskAsId),
            (Ids{101, 269, 36}));
  EXPECT_EQ(tiny().encode("<s>a </s>", SpecialLiterals::kAsIds), (Ids{0, 101, 36, 2}));
}

TEST(ByteBpeModel, KnowsItsWords) {
  EXPECT_EQ(tiny().vocab_size(), 270);
  EXPECT_EQ(tiny().piece(262), "\xC4\xA0the");
  EXPECT_EQ(tiny().piece_id("\xC4\xA0the"), 262);
  EXPECT_EQ(tiny().piece_id("no such piece"), kUnkId);
  const std::vector<uint8_t>& starts = tiny().word_starts();
  EXPECT_THAT((Ids{starts[262], starts[260], starts[36], starts[261], starts[269], starts[0]}),
              ElementsAre(1, 1, 1, 0, 1, 1));
  EXPECT_FALSE(tiny().begins_word(261));
  EXPECT_TRUE(tiny().begins_word(261, /*first=*/true));
  EXPECT_EQ(tiny().readable_piece(262), "the");
  EXPECT_EQ(tiny().readable_piece(269), "<mask>");
  // The encoder that remembers words gives the same.
  Ids ids;
  TextEncoder(tiny()).encode("a  the", {}, ids);
  EXPECT_EQ(ids, (Ids{101, 36, 262}));
}

TEST(ByteBpeModel, AByteWithoutAPieceIsUnknown) {
  ByteBpe bpe = tiny_byte_bpe();
  bpe.vocabulary.erase(bpe.vocabulary.begin() + 4 + 'z');
  const Tokenizer tokenizer(to_model_bytes(bpe), "no z");
  EXPECT_EQ(tokenizer.encode("azz"), (Ids{101, kUnkId, kUnkId}));
}

TEST(ByteBpeModel, RefusesOtherLayoutsAndDamage) {
  ByteBpe bpe = tiny_byte_bpe();
  std::swap(bpe.vocabulary[1], bpe.vocabulary[2]);
  EXPECT_THAT(refusal(bpe), HasSubstr("piece 1 is '</s>', expected '<pad>'"));
  EXPECT_THAT(refusal(bpe), HasSubstr("texts need <s> 0, <pad> 1"));
  bpe = tiny_byte_bpe();
  bpe.vocabulary.push_back("more");
  EXPECT_THAT(refusal(bpe),
              HasSubstr("the last piece is 'more', expected the control piece <mask>"));
  bpe = tiny_byte_bpe();
  bpe.vocabulary[200] = bpe.vocabulary[100];
  EXPECT_THAT(refusal(bpe), HasSubstr("is there twice"));
  bpe = tiny_byte_bpe();
  bpe.vocabulary.insert(bpe.vocabulary.end() - 1, "two words");
  EXPECT_THAT(refusal(bpe), HasSubstr("'two words' has characters that stand for no byte"));
  bpe = tiny_byte_bpe();
  bpe.merges.emplace_back("q", "q");
  EXPECT_THAT(refusal(bpe),
              HasSubstr("the merge 'q q' needs 'qq', which is not an ordinary piece"));
  bpe = tiny_byte_bpe();
  bpe.merges.push_back(bpe.merges[1]);
  EXPECT_THAT(refusal(bpe), HasSubstr("the merge 'h e' is there twice"));
  std::string bytes = to_model_bytes(tiny_byte_bpe());
  bytes.resize(bytes.size() / 2);
  EXPECT_THROW(Tokenizer(bytes, "cut"), RunError);
}

// A word of a million letters, and as many blanks: n log n, and no stack that overflows.
TEST(ByteBpeModel, TakesVeryLongWords) {
  const std::string letters(1000001, 'a');
  const Ids ids = tiny().encode(letters);
  ASSERT_EQ(ids.size(), 500001U);
  EXPECT_EQ(ids.front(), 267);
  EXPECT_EQ(ids.back(), 101);
  EXPECT_EQ(tiny().encode(std::string(1000000, ' ') + "the").size(), 1000000U);  // the last: "Ġthe"
  std::string wide;
  for (int i = 0; i < 200000; ++i) wide += "\xE3\x80\x80";
  EXPECT_EQ(tiny().encode(wide + "a").size(), 600001U);
}

TEST(ByteBpeModel, EncodesInSeveralThreads) {
  const std::string text = sample_text().substr(0, 20000);
  const Ids expected = tiny().encode(text);
  std::vector<Ids> found(4);
  std::vector<std::thread> threads;
  for (Ids& ids : found) threads.emplace_back([&] { ids = tiny().encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : found) EXPECT_EQ(ids, expected);
}

// Trains a byte-level BPE on argv[1] and leaves its files, and texts with their ids, in argv[2].
constexpr const char* kTrainer = R"(
import json, random, sys
from tokenizers import AddedToken, ByteLevelBPETokenizer
source, folder = sys.argv[1:]
trained = ByteLevelBPETokenizer(add_prefix_space=False)
trained.train([source], vocab_size=1500, min_frequency=2, show_progress=False,
              special_tokens=["<s>", "<pad>", "</s>", "<unk>"])
trained.save_model(folder)
vocab = json.load(open(folder + "/vocab.json", encoding="utf-8"))
vocab["<mask>"] = len(vocab)
json.dump(vocab, open(folder + "/vocab.json", "w", encoding="utf-8"), ensure_ascii=False)
both = ByteLevelBPETokenizer(folder + "/vocab.json", folder + "/merges.txt", add_prefix_space=False)
marked = ByteLevelBPETokenizer(folder + "/vocab.json", folder + "/merges.txt", add_prefix_space=False)
marked.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
marked.save(folder + "/tokenizer.json")
texts = ["", " ", "  ", "\n", " \n", "\n ", "\t\t", "I'm, you're, he's, we've, she'll, I'd, don't",
  "'s't're", "' s", "DON'T 'S", "1234567 12.5 3rd x2y ½ Ⅷ ² ٣٤ 二〇", "a  b   c    d", "end  ",
  "tab\tand\t\ttwo", "line\nline\n\nline\r\n", "😀 👩‍👩‍👧 🇩🇪!", "café cafe\u0301 naïve Ångström",
  "日本語のテキスト。 中文没有空格", "한국어 텍스트", "हिन्दी पाठ", "עברית العربية", "ﷺ ﬁ Ǆ",
  "\u00a0nbsp\u2003em\u3000wide\u2028line\u0085next\u180evowel\u200bzero\ufeffbom",
  "\x00\x01\x1c\x1f\x7f", "Ã©Â\u00ad\ufffd\ufffd", "\U0010ffff\ue000\ufdd0", "Ġthe Ċ ĠĠ", "<s> no <mask>",
  "_under__score_ e-mail@x.y #tag $5 100%", "((a)) [b] {c} ...", "\u0301alone \u0301", "x" * 3000]
random.seed(7)
words = open(source, encoding="utf-8").read().split()
parts = words[:3000] + ["'s", "'ll", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "42", "½", "😀",
  "é", "e\u0301", "日本", "...", "!?", "\u200d", "\ufe0f", "\ufffd", "ß", "Я", "\u180e", "\u001c"]
for _ in range(400):
  texts.append("".join(random.choice(parts) + random.choice(["", " ", " ", "  "])
                       for _ in range(random.randint(1, 30))))
for _ in range(200):
  codes = [random.choice([random.randint(0, 0x2ff), random.randint(0, 0xd7ff),
                          random.randint(0xe000, 0xffff), random.randint(0x10000, 0x1f9ff)])
           for _ in range(random.randint(1, 40))]
  texts.append("".join(map(chr, codes)))
prompts = ["The <mask> is blue.", "<mask>", " <mask> ", "a <mask><mask> b", "a\u3000\n<mask>!",
           "<s> x </s> y<pad>", "one  <unk>  two", "<mask>"[:-1], "the\t<mask>  the"]
json.dump({"texts": [[t, both.encode(t).ids] for t in texts],
           "prompts": [[t, marked.encode(t).ids] for t in prompts]},
          open(folder + "/expected.json", "w"))
)";

TEST(ByteBpeModel, AgreesWithHuggingFace) {
  const char* given = std::getenv("LINFORMER_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  if (std::system((python + " -c 'import tokenizers' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "no Python with tokenizers (set LINFORMER_PYTHON)";
  }
  const TemporaryFolder folder;
  write_file(folder.file("train.py"), kTrainer);
  write_file(folder.file("text.txt"), sample_text());
  make_directories(folder.file("hf"));
  const std::string command = python + " '" + folder.file("train.py") + "' '" +
                              folder.file("text.txt") + "' '" + folder.file("hf") + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::optional<ByteBpe> bpe = read_hf_byte_bpe(folder.file("hf"));
  ASSERT_TRUE(bpe);
  const Tokenizer tokenizer(to_model_bytes(*bpe), "trained");
  EXPECT_EQ(tokenizer.vocab_size(), 1501);
  const auto expected = nlohmann::json::parse(read_text_file(folder.file("hf/expected.json")));
  ASSERT_GT(expected["texts"].size(), 600U);
  for (const auto& row : expected["texts"]) {
    const auto text = row[0].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), row[1].get<Ids>()) << row[0];
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
  for (const auto& row : expected["prompts"]) {
    EXPECT_EQ(tokenizer.encode(row[0].get<std::string>(), SpecialLiterals::kAsIds),
              row[1].get<Ids>())
        << row[0];
  }
  // tokenizer.json holds the same tokenizer.
  std::filesystem::remove(folder.file("hf/vocab.json"));
  const std::optional<ByteBpe> again = read_hf_byte_bpe(folder.file("hf"));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_model_bytes(*again), tokenizer.model_bytes());
}

}  // namespace
}  // namespace linformer
