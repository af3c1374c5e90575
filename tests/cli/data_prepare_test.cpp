// linformer-data prepare, run as a program.
#include <csignal>

#include <nlohmann/json.hpp>

#include "cli/data_fixture.h"
#include "text/byte_bpe_fixtures.h"

#include "linformer/data/token_dataset.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DataPrepareTest : public DataProgramTest {
 protected:
  /// Sends a signal as soon as the third shard is there.
  ProgramOptions signal_at_third_shard(const std::string& prefix, int signal_number) const {
    const std::string third = file(prefix + "-00002.shard");
    return {.meanwhile = [third, signal_number, sent = false](pid_t child) mutable {
      if (sent || !std::filesystem::exists(third)) return;
      ::kill(child, signal_number);
      sent = true;
    }};
  }
};

TEST_F(DataPrepareTest, ReportsWhatItWrote) {
  const auto result = prepare(text(), "set", {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto dataset = TokenDataset::open({file("set")}, Tokenizer::load(model()).hash());
  EXPECT_EQ(json["shards"], dataset.num_shards());
  EXPECT_EQ(json["shards"], 20);  // 2 MB in shards of 0.1 MB
  EXPECT_EQ(json["documents"], dataset.num_documents());
  EXPECT_EQ(json["sentences"], dataset.num_sentences());
  EXPECT_EQ(json["tokens"], dataset.num_tokens());
  EXPECT_EQ(json["text_bytes"], dataset.text_bytes());
  EXPECT_EQ(json["invalid_utf8"], 0);
  EXPECT_NEAR(json["bytes_per_token"].get<double>(),
              static_cast<double>(dataset.text_bytes()) / static_cast<double>(dataset.num_tokens()),
              1e-9);
}

TEST_F(DataPrepareTest, HoldsTheTextOfTheInput) {
  write_file_atomically(file("in.txt"),
                        "The first one. Then two.\nSame document.\n\nNext: \xE6\x97\xA5.\n");
  ASSERT_EQ(prepare(file("in.txt"), "set").exit_code, 0);
  const auto dataset = TokenDataset::open({file("set")});
  const Tokenizer tokenizer = Tokenizer::load(model());
  ASSERT_EQ(dataset.num_documents(), 2);
  ASSERT_EQ(dataset.num_sentences(), 4);
  const auto sentence = [&](int64_t index) {
    return tokenizer.decode(dataset.tokens(dataset.sentence_tokens(index)));
  };
  EXPECT_EQ(sentence(0), "The first one.");
  EXPECT_EQ(sentence(1), "Then two.");
  EXPECT_EQ(sentence(2), "Same document.");
  EXPECT_EQ(sentence(3), "Next: \xE6\x97\xA5.");
  EXPECT_EQ(dataset.document_sentences(0), (IndexRange{0, 3}));
}

TEST_F(DataPrepareTest, ThreadsChangeNoByte) {
  ASSERT_EQ(prepare(text(), "one", {"--threads", "1"}).exit_code, 0);
  ASSERT_EQ(prepare(text(), "many", {"--threads", "5"}).exit_code, 0);
  EXPECT_THAT(files_of("one"), SizeIs(20));
  EXPECT_TRUE(files_of("one") == files_of("many"));
}

TEST_F(DataPrepareTest, PartsTogetherAreTheWhole) {
  ASSERT_EQ(prepare(text(), "whole").exit_code, 0);
  for (const char* part : {"2/3", "3/3", "1/3"}) {
    ASSERT_EQ(prepare(text(), "parts", {"--part", part}).exit_code, 0) << part;
  }
  EXPECT_TRUE(files_of("whole") == files_of("parts"));
  const auto bad = prepare(text(), "parts", {"--part", "4/3"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("--part: '4/3' is not a part"));
}

TEST_F(DataPrepareTest, GoesOnAfterAKill) {
  ASSERT_EQ(prepare(text(), "whole").exit_code, 0);
  const auto killed = prepare(text(), "set", {}, signal_at_third_shard("set", SIGKILL));
  ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << "it was done before the signal came";
  EXPECT_THROW(TokenDataset::open({file("set")}), std::exception) << "it looks finished";
  const auto again = prepare(text(), "set", {"--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_GE(nlohmann::json::parse(again.out)["shards_kept"], 3);
  EXPECT_TRUE(files_of("set") == files_of("whole")) << "other bytes, or files left over";
}

TEST_F(DataPrepareTest, StopsOnCtrlCAndGoesOn) {
  ASSERT_EQ(prepare(text(), "whole").exit_code, 0);
  const auto stopped = prepare(text(), "set", {}, signal_at_third_shard("set", SIGINT));
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("the same command continues from there"));
  EXPECT_THAT(stopped.out, IsEmpty());
  ASSERT_EQ(prepare(text(), "set").exit_code, 0);
  EXPECT_TRUE(files_of("set") == files_of("whole"));
}

TEST_F(DataPrepareTest, WritesADamagedShardAgain) {
  ASSERT_EQ(prepare(text(), "whole").exit_code, 0);
  ASSERT_EQ(prepare(text(), "set").exit_code, 0);
  const std::string path = file("set-00007.shard");
  std::string content = read_text_file(path);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  write_file_atomically(path, content);
  const auto again = prepare(text(), "set", {"--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(nlohmann::json::parse(again.out)["shards_kept"], 19);
  EXPECT_THAT(again.err, AllOf(HasSubstr("set-00007.shard"), HasSubstr("written again")));
  EXPECT_TRUE(files_of("set") == files_of("whole"));
}

TEST_F(DataPrepareTest, RefusesToMixWithOtherSettings) {
  ASSERT_EQ(prepare(text(), "set").exit_code, 0);
  const auto before = files_of("set");
  const auto other_input = prepare(valid_text(), "set");
  EXPECT_EQ(other_input.exit_code, 1);
  EXPECT_THAT(other_input.err, AllOf(HasSubstr("set-00000.shard"), HasSubstr("--overwrite")));
  EXPECT_EQ(prepare(text(), "set", {"--line-ends", "join"}).exit_code, 1);
  EXPECT_TRUE(files_of("set") == before);
}

TEST_F(DataPrepareTest, OverwriteReplacesTheWholeSet) {
  ASSERT_EQ(prepare(valid_text(), "fresh").exit_code, 0);
  ASSERT_EQ(prepare(text(), "set").exit_code, 0);
  ASSERT_EQ(prepare(valid_text(), "set", {"--overwrite"}).exit_code, 0);
  // One shard instead of twenty, and none of the old ones left behind.
  EXPECT_TRUE(files_of("set") == files_of("fresh"));
}

TEST_F(DataPrepareTest, AFullDiskLeavesTheOldSetAlone) {
  ASSERT_EQ(prepare(valid_text(), "set").exit_code, 0);
  const auto before = files_of("set");
  const auto failed = prepare(text(), "set", {"--overwrite"}, {.max_file_bytes = 30'000});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, AllOf(HasSubstr(".shard"), HasSubstr("fix:")));
  EXPECT_TRUE(files_of("set") == before);
}

TEST_F(DataPrepareTest, ReadsStandardInput) {
  ASSERT_EQ(prepare(text(), "file").exit_code, 0);
  const ProgramOptions piped{.standard_input = read_text_file(text())};
  ASSERT_EQ(prepare("-", "piped", {}, piped).exit_code, 0);
  const auto file_set = TokenDataset::open({file("file")});
  const auto piped_set = TokenDataset::open({file("piped")});
  EXPECT_EQ(piped_set.tokens({0, piped_set.num_tokens()}),
            file_set.tokens({0, file_set.num_tokens()}));
  // What came through a pipe cannot be compared with what comes now.
  EXPECT_EQ(prepare("-", "piped", {}, piped).exit_code, 1);
  EXPECT_EQ(prepare("-", "piped", {"--overwrite"}, piped).exit_code, 0);
}

TEST_F(DataPrepareTest, CountsInvalidUtf8) {
  write_file_atomically(file("bad.txt"), "One \xFF two.\nThree \xC3.\n");
  const auto result = prepare(file("bad.txt"), "set", {"--json", "--layout", "lines"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["invalid_utf8"], 2);
  EXPECT_THAT(result.err, HasSubstr("2 byte sequences were not UTF-8"));
}

TEST_F(DataPrepareTest, UnkLiteralsBecomeIdsInWikitextOrWhenAsked) {
  const std::string text = " = Title = \n \n The <unk> is <mask> here . \n <unk>\n";
  write_file_atomically(file("wiki.txt"), text);
  write_file_atomically(file("lines.txt"), "first\n" + text);
  const auto unks = [&](const std::string& input, const std::vector<std::string>& options) {
    std::vector<std::string> more{"--overwrite"};
    more.insert(more.end(), options.begin(), options.end());
    EXPECT_EQ(prepare(file(input), "set", more).exit_code, 0);
    const auto dataset = TokenDataset::open({file("set")});
    EXPECT_EQ(dataset.unigram_counts().back(), 0u) << "<mask>";
    return dataset.unigram_counts()[kUnkId];
  };
  EXPECT_EQ(unks("wiki.txt", {}), 2u);
  EXPECT_EQ(unks("wiki.txt", {"--special-literals", "text"}), 0u);
  EXPECT_EQ(unks("wiki.txt", {"--layout", "blank-lines"}), 0u);
  EXPECT_EQ(unks("lines.txt", {"--layout", "lines"}), 0u);
  EXPECT_EQ(unks("lines.txt", {"--layout", "lines", "--special-literals", "unk"}), 2u);
}

TEST_F(DataPrepareTest, NamesTheLayoutOfEachFile) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"One.\nTwo.\n", "lines"},
      {"One.\n\nTwo.\n", "blank-lines"},
      {"{\"text\": \"One.\"}\n", "json-lines"},
      {" \n = Title = \n \n One . \n", "wikitext"}};
  std::vector<std::string> more{"--json"};
  nlohmann::json expected = nlohmann::json::array();
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string path = file("in-" + std::to_string(i));
    write_file_atomically(path, files[i].first);
    expected.push_back({{"path", path}, {"layout", files[i].second}});
    if (i > 0) more.insert(more.end(), {"--input", path});
  }
  const auto result = prepare(file("in-0"), "set", more);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["inputs"], expected);
  more[0] = "--overwrite";
  const auto table = prepare(file("in-0"), "set", more);
  for (const auto& input : expected) {
    EXPECT_THAT(table.out,
                ::testing::ContainsRegex("layout of " + input["path"].get<std::string>() + " +" +
                                         input["layout"].get<std::string>()));
  }
}

TEST_F(DataPrepareTest, LeavesOutAndCountsWhatHoldsNoText) {
  write_file_atomically(
      file("rows.jsonl"),
      "{\"text\": \"One \\ud83d.\"}\n{\"text\": null}\n{\"text\": NaN, \"score\": "
      "NaN}\n{\"text\": \"Two.\", \"score\": NaN}\n{\"text\": \"  \"}\n");
  write_file_atomically(file(".DS_Store"), std::string("\0\0\0\1Bud1", 8));
  write_file_atomically(file("._rows.jsonl"), std::string("\0\5\26\7\0", 5));
  const auto result =
      prepare(file("rows.jsonl"), "set",
              {"--input", file(".DS_Store"), "--input", file("._rows.jsonl"), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["documents"], 2);
  EXPECT_EQ(json["documents_without_text"], 2);
  EXPECT_EQ(json["empty_documents"], 1);
  EXPECT_EQ(json["invalid_utf8"], 1);
  EXPECT_THAT(json["inputs"], SizeIs(1));
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("2 JSON objects have no text"), HasSubstr(".DS_Store: left out"),
                    HasSubstr("._rows.jsonl: left out")));
  write_file_atomically(file("bad.jsonl"), "{\"text\": \"One.\"}\n{\"body\": 1}\nword\n");
  EXPECT_EQ(prepare(file("bad.jsonl"), "bad").exit_code, 1);
  const auto skipped = prepare(file("bad.jsonl"), "bad", {"--bad-lines", "skip", "--json"});
  ASSERT_EQ(skipped.exit_code, 0) << skipped.err;
  EXPECT_EQ(nlohmann::json::parse(skipped.out)["bad_lines"], 2);
  EXPECT_THAT(skipped.err, HasSubstr("2 lines are not JSON objects with a string \"text\""));
}

// Fine-tuning and prediction encode a text with Tokenizer::encode().
TEST_F(DataPrepareTest, ShardsHoldTheIdsThatATextHasElsewhere) {
  const std::vector<std::string> texts{
      "\xE7\x8C\xAB\xE3\x81\xAF\xE3\x80\x82\xE9\xAD\x9A\xE3\x80\x82\xE7\x8C\xAB\xEF\xBC\x81\xE3\x80"
      "\x8D",
      "A is here. One more.  \"And\" two? Yes! "};
  write_file_atomically(file("in.txt"), texts[0] + "\n" + texts[1] + "\n");
  write_file_atomically(file("byte.model"), to_model_bytes(tiny_byte_bpe()));
  for (const std::string& tokenizer_path : {model(), file("byte.model")}) {
    const auto result = data({"prepare", "--input", file("in.txt"), "--layout", "lines", "--output",
                              file("set"), "--overwrite", "--tokenizer", tokenizer_path});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Tokenizer tokenizer = Tokenizer::load(tokenizer_path);
    const auto dataset = TokenDataset::open({file("set")}, tokenizer.hash());
    ASSERT_EQ(dataset.num_documents(), 2);
    EXPECT_EQ(dataset.num_sentences(), 7);
    for (int64_t d = 0; d < 2; ++d) {
      EXPECT_EQ(dataset.tokens(dataset.document_tokens(d)),
                tokenizer.encode(texts[static_cast<size_t>(d)]));
    }
  }
}

TEST_F(DataPrepareTest, RefusesBadInputBeforeItWritesAnything) {
  write_file_atomically(file("empty.txt"), "");
  write_file_atomically(file("binary.txt"), std::string("ab\0cd", 5));
  write_file_atomically(file("blank.txt"), "\n \n");
  write_file_atomically(file("fake.zst"), "not compressed");
  write_file_atomically(file("bad.jsonl"), "{\"text\": \"a\"}\n{oops\n");
  write_file_atomically(file("array.json"), "[{\"text\": \"a\"}]");
  const std::vector<std::pair<std::string, std::string>> cases{
      {"empty.txt", "empty.txt: the file is empty"},
      {"binary.txt", "binary.txt: byte 2 is NUL"},
      {"blank.txt", "blank.txt: the file holds no text"},
      {"fake.zst", "fake.zst: the name ends in .zst"},
      {"bad.jsonl", "bad.jsonl:2: the line is not a JSON object"},
      {"array.json", "array.json: begins like a JSON array"}};
  for (const auto& [name, message] : cases) {
    const auto result = prepare(file(name), "set");
    EXPECT_EQ(result.exit_code, 1) << name;
    EXPECT_THAT(result.err, AllOf(HasSubstr(message), HasSubstr("fix:")));
    EXPECT_THAT(files_of("set"), IsEmpty()) << name;
  }
  const auto folder = prepare(file(""), "set");
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("is a folder, not a file"));
  const auto no_model =
      data({"prepare", "--input", text(), "--output", file("set"), "--tokenizer", text()});
  EXPECT_EQ(no_model.exit_code, 1);
  EXPECT_THAT(no_model.err, HasSubstr("not a SentencePiece model"));
}

TEST_F(DataPrepareTest, RefusesOptionsOutOfRange) {
  const auto shard = prepare(text(), "set", {"--shard-mb", "0"});
  EXPECT_EQ(shard.exit_code, 2);
  const auto threads = prepare(text(), "set", {"--threads", "-1"});
  EXPECT_EQ(threads.exit_code, 2);
  EXPECT_THAT(threads.err, HasSubstr("--threads: -1"));
  const auto layout = prepare(text(), "set", {"--layout", "pages"});
  EXPECT_EQ(layout.exit_code, 2);
  EXPECT_THAT(layout.err, HasSubstr("--layout: 'pages' is none of {auto,lines,"));
  EXPECT_THAT(files_of("set"), IsEmpty());
}

TEST_F(DataPrepareTest, BenchmarksAgainstSentencePiece) {
  const auto result = prepare(text(), "unused", {"--benchmark", "--benchmark-mb", "0.5", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_GT(json["sentencepiece_median"], 0.0);
  // The promise is 0.9; a busy machine may steal a core from either side, so only a collapse fails.
  EXPECT_GT(json["efficiency"], 0.3);
  EXPECT_THAT(files_of("unused"), IsEmpty());
}

}  // namespace
}  // namespace linformer
