// The output of linformer-convert export, read by transformers' AutoTokenizer and pipelines.
#include <cstdlib>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "cli/model_fixture.h"
#include "cli/transformers_python.h"

#include "linformer/text/byte_bpe_file.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// Every ASCII character and a few merges; other characters are <unk>, byte by byte.
ByteBpe ascii_byte_bpe() {
  const std::string blank = "\xC4\xA0";
  ByteBpe bpe;
  bpe.vocabulary = {"<s>", "<pad>", "</s>", "<unk>", blank};
  for (char c = '!'; c <= '~'; ++c) bpe.vocabulary.emplace_back(1, c);
  bpe.merges = {{blank, "t"}, {"h", "e"}, {blank + "t", "he"}, {"i", "n"}, {"e", "r"},
                {blank, "a"}, {"o", "n"}, {blank, blank},      {"a", "t"}, {"in", "g"}};
  for (const auto& [left, right] : bpe.merges) bpe.vocabulary.push_back(left + right);
  bpe.vocabulary.push_back("<mask>");
  return bpe;
}

/// Scripts, blanks of all kinds, marks and names of tokenizers spelled out.
const std::vector<std::string>& texts() {
  static const std::vector<std::string> all{
      "The man said hello to the woman .",
      "One thing,two things; 1,234.50 of them -- isn't it?",
      "  blanks   in front,\tin\nbetween\r\nand  behind  ",
      "a",
      "aaaaaaa bbbb ananananas Mississippi",
      "D\xC3\xA9j\xC3\xA0 vu: \xC3\x9C"
      "ber na\xC3\xAFve \xC5\x92uvres",       // composed letters
      "cafe\xCC\x81 and e\xCC\x81t\xC3\xA9",  // a decomposed one
      "\xE4\xBB\x8A\xE6\x97\xA5\xE3\x81\xAF\xE3\x80\x82\xE4\xB8\xAD\xE6\x96\x87",
      "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xD0\xBC\xD0\xB8\xD1\x80",
      "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85 \xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D\xE0\xA4"
      "\xA4\xE0\xA5\x87",
      "\xF0\x9F\x98\x80\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9 emoji \xE2\x9C\x93",
      "\xEF\xBC\xA6\xEF\xBD\x95\xEF\xBD\x8C\xEF\xBD\x8C \xEF\xAC\x81ne \xC2\xBD \xE2\x84\xA2",
      "abc\xE2\x96\x81"
      "d \xE2\x96\x81 e\xE2\x96\x81",  // the mark of a blank
      "no\xC2\xA0"
      "break, soft\xC2\xADhyphen, zero\xE2\x80\x8Bwidth",
      "the bytes <0x41><0x0A> and <0xZZ>, a <b> and </b>",
      "\xEF\xBC\x9Cmask\xEF\xBC\x9E \xEF\xBC\x9Cs\xEF\xBC\x9E",  // special tokens in wide letters
      "http://example.org/a?b=c&d=%20#e @user #tag {x}[y] \\ | ~ ^ `",
  };
  return all;
}

const std::vector<std::pair<std::string, std::string>>& pairs() {
  static const std::vector<std::pair<std::string, std::string>> all{
      {"The man said hello.", "A woman answered him."},
      {"a b c", "d"},
      {"One thing,two things", "three  of\tthem"}};
  return all;
}

struct Subject {
  std::string name;
  std::string tokenizer;  ///< the bytes of tokenizer.model
  HeadConfig head;
  bool standard = false;
  int64_t segments = 0;
};

class ExchangeTest : public SmallModelTest {
 protected:
  /// The tokenizer of these arguments, trained on the sample corpus.
  std::string trained(const std::string& name, const std::vector<std::string>& options) const {
    std::vector<std::string> arguments{"tokenizer", "--input",      text(), "--output",
                                       file(name),  "--vocab-size", "700",  "--sample-sentences",
                                       "3000"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = data(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_text_file(file(name));
  }

  void make(const Subject& subject) const {
    ModelConfig config;
    config.vocab_size = Tokenizer(subject.tokenizer).vocab_size();
    config.hidden_size = 16;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 32;
    config.max_sequence_length = 128;
    config.type_vocab_size = subject.segments;
    config.initializer_range = 0.3;
    config.attention.projected_length = 8;
    if (subject.standard) config.attention.type = AttentionType::kStandard;
    make_directories(file(subject.name));
    save_model_files(file(subject.name), to_config_json(config, subject.head),
                     saved_tensors(Model(config, subject.head, 1)), subject.tokenizer);
  }

  /// Runs a program, its output into `name`.
  void run_into(const std::string& name, const std::vector<std::string>& command) const {
    const ProgramResult result = run_child(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    write_file_atomically(file(name), result.out);
  }

  /// Exports a model and has our programs answer; what compare_pipelines.py wants to know.
  json exported(const Subject& subject) const {
    make(subject);
    const std::string model = file(subject.name);
    run_into("log", {"linformer-convert", "export", "--to", "hf", "--input", model, "--output",
                     model + "-exported"});
    std::string rows;
    for (const std::string& text : texts()) rows += json{{"text", text}}.dump() + "\n";
    std::string two;
    for (const auto& [a, b] : pairs()) {
      two += json{{"text", a}, {"text_pair", b}}.dump() + "\n";
    }
    write_file_atomically(file("rows.jsonl"), rows + two);
    write_file_atomically(file("pairs.jsonl"), two);
    run_into("log", {"linformer-predict", "features", "--checkpoint", model, "--input",
                     file("rows.jsonl"), "--output", model + ".safetensors"});
    json object{{"exported", model + "-exported"},
                {"features", model + ".safetensors"},
                {"texts", texts()},
                {"pairs", pairs()}};
    const bool masked_lm = subject.head.type == HeadType::kMaskedLm;
    const std::string answers = subject.name + ".answers";
    if (masked_lm) {
      run_into(answers, {"linformer-predict", "fill-mask", "--checkpoint", model, "--json",
                         "--text", "The <mask> is blue.", "--text", "A<mask>, a  <mask>ing"});
    } else {
      run_into(answers, {"linformer-predict", "classify", "--checkpoint", model, "--json",
                         "--input", file("pairs.jsonl"), "--top-k", "9"});
    }
    object[masked_lm ? "fill_mask" : "classify"] = file(answers);
    return object;
  }

  /// Has transformers compare the cases of cases.json.
  void compare(const std::string& python) const {
    const std::string log = file("comparison.txt");
    const std::string command = "HF_HUB_OFFLINE=1 " + python +
                                " '" LINFORMER_SOURCE_DIR "/tools/hf/compare_pipelines.py' '" +
                                file("cases.json") + "' > '" + log + "' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << read_text_file(log);
  }
};

TEST_F(ExchangeTest, TransformersGivesOurIdsAndAnswers) {
  HeadConfig classes;
  classes.type = HeadType::kClassification;
  classes.labels = {"good", "bad", "so-so"};
  HeadConfig pairwise = classes;
  pairwise.pooling = ClassifierPooling::kPairMean;
  HeadConfig score;
  score.type = HeadType::kRegression;
  const std::string unigram = read_text_file(model());
  const std::string bpe = trained("bpe.model", {"--type", "bpe"});
  const std::string bytes = to_model_bytes(ascii_byte_bpe());
  const std::vector<Subject> subjects{
      {"unigram-linformer", unigram, {}, false, 0},
      {"unigram-standard", unigram, {}, true, 0},
      {"unigram-pairs", unigram, pairwise, false, 2},
      {"unigram-standard-classes", unigram, classes, true, 2},
      {"identity", trained("identity.model", {"--normalization", "identity"}), {}, true, 0},
      {"no-bytes", trained("no-bytes.model", {"--no-byte-fallback"}), {}, true, 0},
      {"lower-case", trained("lower.model", {"--normalization", "nmt_nfkc_cf"}), score, true, 0},
      {"bpe-linformer", bpe, {}, false, 0},
      {"bpe-classes", bpe, classes, false, 0},
      {"bytes-standard", bytes, {}, true, 1},
      {"bytes-classes", bytes, classes, true, 2}};
  json cases = json::array();
  for (const Subject& subject : subjects) {
    cases.push_back(exported(subject));
    if (HasFatalFailure()) return;
    // What transformers reads is beside what our programs read, and import finds the latter.
    run_into("log", {"linformer-convert", "import", "--from", "hf", "--input",
                     file(subject.name + "-exported"), "--output", file(subject.name + "-back")});
    EXPECT_EQ(read_text_file(file(subject.name + "-back/tokenizer.model")), subject.tokenizer);
  }
  write_file_atomically(file("cases.json"), cases.dump());
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  compare(python);
}

std::string utf8_of(uint32_t code_point) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (code_point < 0x80) return {byte(code_point)};
  const char last = byte(0x80 | (code_point & 0x3F));
  if (code_point < 0x800) return {byte(0xC0 | code_point >> 6), last};
  return {byte(0xE0 | code_point >> 12), byte(0x80 | (code_point >> 6 & 0x3F)), last};
}

struct Span {
  uint32_t first, last;
};

std::vector<std::string> characters_of(const std::vector<Span>& spans) {
  std::vector<std::string> all;
  for (const auto& [first, last] : spans) {
    for (uint32_t c = first; c <= last; ++c) all.push_back(utf8_of(c));
  }
  return all;
}

/// A character of each, in a word: every way to put them together.
void combine(const std::vector<std::vector<Span>>& parts, std::vector<std::string>& words) {
  std::vector<std::string> all{"x"};
  for (const std::vector<Span>& part : parts) {
    std::vector<std::string> longer;
    for (const std::string& front : all) {
      for (const std::string& character : characters_of(part)) longer.push_back(front + character);
    }
    all = std::move(longer);
  }
  for (const std::string& word : all) words.push_back(word + "y");
}

/// What normalisers look at: all characters of the basic plane and what goes together with others.
std::vector<std::string> normalised_words() {
  const std::vector<Span> marks{{0x300, 0x345}};
  const std::vector<Span> few{{0x300, 0x304}, {0x306, 0x309}, {0x31B, 0x31B},
                              {0x323, 0x323}, {0x328, 0x328}, {0x342, 0x345}};
  std::vector<std::string> words;
  // U+FDD0 and U+FDD1, which no text may have, are the normaliser's own.
  combine({{{1, 0xD7FF}, {0xE000, 0xFDCF}, {0xFDD2, 0xFFFF}}}, words);
  combine({{{'A', 'Z'}, {'a', 'z'}, {0xA8, 0xAA}, {0xC0, 0xFF}, {0x391, 0x3C9}}, marks}, words);
  combine({{{'A', 'A'},
            {'O', 'O'},
            {'a', 'a'},
            {'e', 'e'},
            {'o', 'o'},
            {'s', 's'},
            {'u', 'u'},
            {0xE2, 0xE2},
            {0x1B0, 0x1B0},
            {0x3B1, 0x3B1},
            {0x3C9, 0x3C9}},
           few,
           few},
          words);
  combine({{{0x304B, 0x30FE}, {0xFF66, 0xFF9D}}, {{0x3099, 0x309A}, {0xFF9E, 0xFF9F}}}, words);
  combine({{{0x1100, 0x1112}}, {{0x1161, 0x1175}}, {{0x11A8, 0x11AA}, {0x11C2, 0x11C2}}}, words);
  combine({{{0xAC00, 0xAC00}, {0xAC1C, 0xAC1D}, {0x3260, 0x3276}, {0xFFA1, 0xFFBE}},
           {{0x1161, 0x1162}, {0x11A8, 0x11AA}, {0xFFA1, 0xFFDC}}},
          words);
  // Ligatures and other compatibility forms; joiners and the vowel am count as marks there.
  combine({{{0x132, 0x133},
            {0x149, 0x149},
            {0x1C4, 0x1CC},
            {0x2100, 0x214F},
            {0x3300, 0x330F},
            {0xFB00, 0xFB06},
            {0xFF21, 0xFF23}},
           {{0x301, 0x301}, {0x323, 0x323}, {0x20DD, 0x20DD}, {0xE33, 0xE33}, {0x200C, 0x200D}}},
          words);
  // Marks of pointed Hebrew and Arabic, in the order in which they were typed.
  combine({{{0x5D1, 0x5D1}, {0x5E9, 0x5E9}}, {{0x5B0, 0x5C2}}, {{0x5B0, 0x5C2}}}, words);
  combine({{{0x627, 0x628}, {0x644, 0x644}}, {{0x64B, 0x655}}, {{0x64B, 0x655}}}, words);
  return words;
}

TEST_F(ExchangeTest, TransformersNormalisesAsWeDo) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with transformers (set LINFORMER_PYTHON)";
  json cases = json::array();
  for (const std::string rule : {"nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"}) {
    const Subject subject{rule, trained(rule + ".model", {"--normalization", rule}), {}, true, 0};
    make(subject);
    run_into("log", {"linformer-convert", "export", "--input", file(rule), "--output",
                     file(rule + "-exported")});
    const Tokenizer tokenizer(subject.tokenizer);
    json rows = json::array();
    for (const std::string& word : normalised_words()) {
      rows.push_back({{"text", word}, {"ids", tokenizer.encode(word)}});
    }
    write_file_atomically(file(rule + ".json"), rows.dump());
    cases.push_back({{"exported", file(rule + "-exported")}, {"ids", file(rule + ".json")}});
  }
  write_file_atomically(file("cases.json"), cases.dump());
  compare(python);
}

// Without Python: what can be said of the files themselves.
TEST_F(ExchangeTest, TokenizerJsonHoldsEveryPieceInOrder) {
  for (const bool byte_level : {false, true}) {
    const Subject subject{byte_level ? "bytes" : "pieces",
                          byte_level ? to_model_bytes(ascii_byte_bpe()) : read_text_file(model()),
                          {},
                          true,
                          0};
    make(subject);
    run_into("log", {"linformer-convert", "export", "--input", file(subject.name), "--output",
                     file(subject.name + "-out")});
    EXPECT_THAT(read_text_file(file("log")), HasSubstr("AutoTokenizer gives the ids of"));
    const Tokenizer tokenizer(subject.tokenizer);
    const json written = json::parse(read_text_file(file(subject.name + "-out/tokenizer.json")));
    const json& pieces = written["model"]["vocab"];
    ASSERT_EQ(pieces.size(), static_cast<size_t>(tokenizer.vocab_size()));
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (byte_level) {
        EXPECT_EQ(pieces[tokenizer.piece(id)], id);
      } else {
        EXPECT_EQ(pieces[static_cast<size_t>(id)][0], tokenizer.piece(id));
      }
    }
    const json settings =
        json::parse(read_text_file(file(subject.name + "-out/tokenizer_config.json")));
    EXPECT_EQ(settings["tokenizer_class"], "PreTrainedTokenizerFast");
    EXPECT_EQ(settings["model_max_length"], 128);
    EXPECT_EQ(settings["mask_token"]["lstrip"], byte_level);
  }
}

/// A model file with the user-defined piece "xyz" (type 4) before <mask>.
std::string with_user_defined_piece(std::string bytes) {
  const std::string record = std::string("\x0A\x0C\x0A\x03xyz\x15\0\0\0\0", 12) + "\x18\x04";
  const size_t mask = bytes.rfind("\x0A\x06<mask>");
  EXPECT_NE(mask, bytes.npos);
  return bytes.insert(mask - 2, record);  // the record's tag and length are before it
}

TEST_F(ExchangeTest, ATokenizerThatTransformersCannotHaveIsRefused) {
  const Subject subject{"user", with_user_defined_piece(read_text_file(model())), {}, true, 0};
  make(subject);
  const ProgramResult result = run_child(
      {"linformer-convert", "export", "--input", file("user"), "--output", file("user-out")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("the piece 'xyz' is user-defined or unused"));
  EXPECT_FALSE(std::filesystem::exists(file("user-out")));
}

}  // namespace
}  // namespace linformer
