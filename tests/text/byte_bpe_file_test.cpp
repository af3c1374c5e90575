#include "linformer/text/byte_bpe_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/byte_bpe_fixtures.h"
#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ByteBpeFileTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) const {
    write_file(folder_.file(name), content);
  }
  void write_two_files() const {
    write("vocab.json", to_vocab_json(tiny_byte_bpe()));
    write("merges.txt", to_merges_txt(tiny_byte_bpe()));
  }
  std::optional<ByteBpe> read() const { return read_hf_byte_bpe(folder_.file("")); }
  std::string refusal() const {
    try {
      read();
    } catch (const RunError& error) {
      return error.what();
    }
    return "";
  }

  /// tokenizer.json of the tiny one; <mask> is among the added tokens alone.
  static json whole() {
    const ByteBpe bpe = tiny_byte_bpe();
    json file{{"normalizer", nullptr},
              {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
              {"added_tokens", json::array({{{"id", 269}, {"content", "<mask>"}}})},
              {"model", {{"type", "BPE"}, {"dropout", nullptr}, {"end_of_word_suffix", ""}}}};
    for (int id = 0; id < 269; ++id) file["model"]["vocab"][bpe.vocabulary[id]] = id;
    file["model"]["merges"] = bpe.merges;
    return file;
  }

  TemporaryFolder folder_;
};

void expect_tiny(const std::optional<ByteBpe>& bpe) {
  ASSERT_TRUE(bpe);
  EXPECT_EQ(bpe->vocabulary, tiny_byte_bpe().vocabulary);
  EXPECT_EQ(bpe->merges, tiny_byte_bpe().merges);
}

TEST_F(ByteBpeFileTest, OneFileHoldsItAll) {
  const std::string bytes = to_model_bytes(tiny_byte_bpe());
  EXPECT_THAT(bytes, StartsWith("linformer-byte-bpe 1\n{"));
  EXPECT_TRUE(is_byte_bpe(bytes));
  expect_tiny(parse_byte_bpe(bytes, "model"));
  EXPECT_FALSE(is_byte_bpe(unigram_tokenizer().model_bytes()));
  EXPECT_THROW(parse_byte_bpe("linformer-byte-bpe 1\n{}", "model"), RunError);
  EXPECT_THROW(parse_byte_bpe("linformer-byte-bpe 1\n{\"vocabulary\": [1], \"merges\": []}", "m"),
               RunError);
}

TEST_F(ByteBpeFileTest, ReadsVocabularyAndMerges) {
  EXPECT_FALSE(read());
  write("vocab.json", to_vocab_json(tiny_byte_bpe()));
  EXPECT_FALSE(read()) << "merges.txt is not there";
  write_two_files();
  expect_tiny(read());
  EXPECT_THAT(to_vocab_json(tiny_byte_bpe()), StartsWith("{\"<s>\":0,\"<pad>\":1,"));
  EXPECT_THAT(to_merges_txt(tiny_byte_bpe()), StartsWith("#version: 0.2\n\xC4\xA0 t\nh e\n"));
}

TEST_F(ByteBpeFileTest, ReadsTokenizerJson) {
  write("tokenizer.json", whole().dump());
  expect_tiny(read());
  json file = whole();
  file["model"]["merges"] = json::array();
  for (const auto& [left, right] : tiny_byte_bpe().merges) {
    file["model"]["merges"].push_back(left + " " + right);
  }
  write("tokenizer.json", file.dump());
  expect_tiny(read());
}

TEST_F(ByteBpeFileTest, OtherKindsOfTokenizersAreNotRead) {
  json file = whole();
  file["model"]["type"] = "Unigram";
  write("tokenizer.json", file.dump());
  EXPECT_FALSE(read());
  file = whole();
  file["pre_tokenizer"]["type"] = "Metaspace";
  write("tokenizer.json", file.dump());
  EXPECT_FALSE(read());
}

TEST_F(ByteBpeFileTest, OtherSettingsAreRefused) {
  const auto expect_refusal = [&](const char* pointer, const json& value, const char* message) {
    json file = whole();
    file[json::json_pointer(pointer)] = value;
    write("tokenizer.json", file.dump());
    EXPECT_THAT(refusal(), HasSubstr(message)) << pointer;
  };
  expect_refusal("/pre_tokenizer/add_prefix_space", true, "add_prefix_space is true");
  expect_refusal("/pre_tokenizer/use_regex", false, "use_regex is false");
  expect_refusal("/normalizer", {{"type", "NFC"}}, "it has a normalizer");
  expect_refusal("/model/ignore_merges", true, "model.ignore_merges is true");
  expect_refusal("/model/end_of_word_suffix", "</w>", "model.end_of_word_suffix is \"</w>\"");
  expect_refusal("/added_tokens/0/content", "<ours>", "it has the added token '<ours>'");
  expect_refusal("/model/vocab/he", 7, "the ids of 270 pieces are not 0, 1, 2");
  write_two_files();
  write("tokenizer_config.json", "{\"add_prefix_space\": true}");
  EXPECT_THAT(refusal(), HasSubstr("tokenizer_config.json: add_prefix_space is true"));
}

TEST_F(ByteBpeFileTest, FollowsWhatIsSaidOfTheBlankBeforeMask) {
  const auto takes = [&] {
    const std::optional<ByteBpe> bpe = read();
    EXPECT_EQ(bpe->mask_takes_white_space,
              parse_byte_bpe(to_model_bytes(*bpe), "model").mask_takes_white_space);
    return bpe->mask_takes_white_space;
  };
  const json strips{{"content", "<mask>"}, {"lstrip", true}, {"rstrip", false}};
  json keeps = strips;
  keeps["lstrip"] = false;
  write_two_files();
  EXPECT_TRUE(takes()) << "RoBERTa's does";
  // The later of these files counts where the earlier ones say nothing.
  write("special_tokens_map.json", json{{"mask_token", keeps}}.dump());
  EXPECT_FALSE(takes());
  write("tokenizer_config.json", json{{"mask_token", "<mask>"}}.dump());
  EXPECT_FALSE(takes());
  write("tokenizer_config.json", json{{"added_tokens_decoder", {{"269", strips}}}}.dump());
  EXPECT_TRUE(takes());
  write("tokenizer_config.json", json{{"mask_token", keeps}}.dump());
  EXPECT_FALSE(takes());
  json file = whole();
  file["added_tokens"][0]["lstrip"] = true;
  write("tokenizer.json", file.dump());
  EXPECT_TRUE(takes());
  file["added_tokens"][0]["lstrip"] = false;
  write("tokenizer.json", file.dump());
  EXPECT_FALSE(takes());
  const Tokenizer tokenizer(to_model_bytes(*read()), "keeps");
  EXPECT_EQ(tokenizer.encode("a <mask> the", SpecialLiterals::kMaskAsId),
            (std::vector<int32_t>{101, 36, 269, 262}));
  // What the tokenizer cannot follow is refused.
  for (const char* key : {"rstrip", "single_word"}) {
    json odd = file;
    odd["added_tokens"][0][key] = true;
    write("tokenizer.json", odd.dump());
    EXPECT_THAT(refusal(), HasSubstr(std::string(key) + " of <mask> is true"));
  }
  // A model that takes it has the file that it always had.
  EXPECT_EQ(to_model_bytes(tiny_byte_bpe()).find("mask_takes"), std::string::npos);
}

TEST_F(ByteBpeFileTest, AByteOrderMarkIsDropped) {
  write_two_files();
  write("merges.txt", "\xEF\xBB\xBF" + to_merges_txt(tiny_byte_bpe()));
  write("vocab.json", "\xEF\xBB\xBF" + to_vocab_json(tiny_byte_bpe()));
  expect_tiny(read());
}

TEST_F(ByteBpeFileTest, DamageIsRefused) {
  write_two_files();
  write("merges.txt", "#version: 0.2\nh e\nlone\n");
  EXPECT_THAT(refusal(), HasSubstr("merges.txt: a merge is 'lone', expected two pieces"));
  write("merges.txt", "#version: 0.2\nh caf\xE9\n");
  EXPECT_THAT(refusal(), HasSubstr("merges.txt: is not UTF-8"));
  write_two_files();
  write("vocab.json", "{\"a\": 0, \"b\": 2}");
  EXPECT_THAT(refusal(), HasSubstr("the ids of 2 pieces are not 0, 1, 2, ...: 'b' has 2"));
  write("vocab.json", "{\"a\": 0, ");
  EXPECT_THAT(refusal(), HasSubstr("vocab.json: this is not the JSON expected"));
}

}  // namespace
}  // namespace linformer
