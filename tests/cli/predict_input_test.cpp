// Inputs of linformer-predict, run as a program: lines, JSON lines and tables, as users have them.
#include <filesystem>

#include "cli/predict_fixture.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class PredictInputTest : public PredictTest {};

TEST_F(PredictInputTest, AByteOrderMarkChangesNoAnswer) {
  write_file_atomically(file("marked.txt"),
                        "\xEF\xBB\xBF"
                        "a <mask> day\na <mask> day\n");
  write_file_atomically(file("._marked.txt"), std::string("\0\5\26\7", 4));
  const auto result =
      fill_mask({"--json", "--input", file("._marked.txt"), "--input", file("marked.txt")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto answers = objects(result.out);
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(answers[0]["text"], answers[1]["text"]);
  // Rows of one batch differ by rounding (docs/prediction.md).
  const auto& marked = answers[0]["masks"][0]["guesses"];
  const auto& plain = answers[1]["masks"][0]["guesses"];
  ASSERT_EQ(marked.size(), plain.size());
  for (size_t i = 0; i < marked.size(); ++i) {
    EXPECT_EQ(marked[i]["id"], plain[i]["id"]);
    EXPECT_NEAR(marked[i]["probability"].get<double>(), plain[i]["probability"].get<double>(),
                1e-6);
  }
  EXPECT_THAT(result.err, HasSubstr("._marked.txt: left out"));
}

TEST_F(PredictInputTest, SaysWhatItChangedInALine) {
  std::string long_line = "\xFF";
  for (int i = 0; i < 60; ++i) long_line += " the";
  const auto result = classify("sentiment", {"--json", "--input", "-"}, long_line + "\nshort\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto answers = objects(result.out);
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(answers[0]["truncated"], true);
  EXPECT_EQ(answers[0]["repaired_utf8"], 1);
  EXPECT_FALSE(answers[1].contains("truncated"));
  EXPECT_THAT(result.err, AllOf(HasSubstr("standard input:1: longer than a sequence may be"),
                                HasSubstr("standard input:1: not valid UTF-8")));
  const auto masked = fill_mask({}, long_line + " <mask>\n<mask>\n");
  EXPECT_EQ(masked.exit_code, 1);
  EXPECT_THAT(lines_of(masked.out), SizeIs(2));
  EXPECT_THAT(masked.out, StartsWith("error: a <mask> stands behind the 30 tokens"));
}

TEST_F(PredictInputTest, TablesAreNotReadFromStandardInput) {
  for (const std::vector<std::string>& input :
       {std::vector<std::string>{}, std::vector<std::string>{"--input", "-"}}) {
    std::vector<std::string> arguments{"--input-format", "table", "--text-column", "text"};
    arguments.insert(arguments.end(), input.begin(), input.end());
    const auto result = classify("sentiment", arguments, "id\ttext\n1\thello\n");
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("tables are read from files, not from standard input"));
  }
}

TEST_F(PredictInputTest, JsonLinesByNameOrOnRequest) {
  const std::string rows = "{\"text\": \"a\", \"text_pair\": \"b\"}\n{\"text\": \"c\"}\n";
  write_file_atomically(file("rows.jsonl"), rows);
  const auto named = classify("sentiment", {"--json", "--input", file("rows.jsonl")});
  const auto piped = classify("sentiment", {"--json", "--input-format", "json-lines"}, rows);
  EXPECT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(named.out, piped.out);
  EXPECT_EQ(objects(named.out).at(0)["text_pair"], "b");
  write_file_atomically(file("a.txt"), "a\n");
  const auto mixed =
      classify("sentiment", {"--input", file("rows.jsonl"), "--input", file("a.txt")});
  EXPECT_EQ(mixed.exit_code, 2);
  EXPECT_THAT(mixed.err, HasSubstr("cannot be mixed"));
  // several files: each answer names its own
  const auto two =
      classify("sentiment", {"--json", "--input", file("a.txt"), "--input", file("a.txt")});
  EXPECT_EQ(objects(two.out).at(1)["file"], file("a.txt"));
  EXPECT_EQ(objects(two.out).at(1)["line"], 1);
}

TEST_F(PredictInputTest, TablesAreReadAsForFineTuning) {
  const std::string model = "mine/checkpoints/best";
  make_model(model, {HeadType::kClassification, {"negative", "neutral", "positive"}});
  const std::string table = file("new.csv");
  write_file_atomically(table, "stars,review,reply\n5,\"a good, long film\",yes\n1,bad,no\n");
  const auto alone = classify(model, {"--json", "--text", "a good, long film"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  const json expected = objects(alone.out).at(0)["labels"];
  // Without a word about the columns: refused by the names that the table has.
  const auto unnamed = classify(model, {"--input", table});
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_EQ(unnamed.out, "");
  EXPECT_THAT(unnamed.err,
              HasSubstr("no column 'text'; its columns are 'stars', 'review', 'reply'"));
  const auto check = [&](const std::vector<std::string>& options) {
    std::vector<std::string> all{"--json", "--input", table};
    all.insert(all.end(), options.begin(), options.end());
    const auto result = classify(model, all);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto answers = objects(result.out);
    ASSERT_THAT(answers, SizeIs(2));  // the header is no text
    EXPECT_EQ(answers[0]["text"], "a good, long film");
    EXPECT_FALSE(answers[0].contains("text_pair"));
    EXPECT_EQ(answers[0]["line"], 2);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(answers[0]["labels"][i]["label"], expected[i]["label"]);
      EXPECT_NEAR(answers[0]["labels"][i]["probability"].get<double>(),
                  expected[i]["probability"].get<double>(), 1e-6);
    }
  };
  check({"--text-column", "review"});
  // However the ending is written.
  write_file_atomically(file("NEW.CSV"), read_text_file(table));
  const auto capitals =
      classify(model, {"--json", "--input", file("NEW.CSV"), "--text-column", "review"});
  EXPECT_THAT(objects(capitals.out), SizeIs(2)) << capitals.err;
  write_file_atomically(file("header.csv"), "stars,review\n");
  EXPECT_THAT(classify(model, {"--input", file("header.csv"), "--text-column", "review"}).err,
              HasSubstr("header.csv: holds no row after its header"));
  write_file_atomically(
      file("mine/config.yaml"),
      "run: {dir: x, init_from: y}\n"
      "task: {name: mine, train: [z], text_column: review, label_column: stars}\n");
  check({});
  const auto pairs = classify(
      model, {"--json", "--input", table, "--text-column", "review", "--pair-column", "reply"});
  EXPECT_EQ(objects(pairs.out).at(1)["text_pair"], "no") << pairs.err;
  const auto lines = classify(model, {"--json", "--input", table, "--input-format", "text"});
  EXPECT_THAT(objects(lines.out), SizeIs(3)) << lines.err;
  // Of a known task: its columns; and rows that cannot be read get an error in their place.
  write_file_atomically(file("dev.tsv"), "sentence\tlabel\nbad\t0\nlabel only\n");
  const auto known = classify(model, {"--json", "--task", "sst-2", "--input", file("dev.tsv")});
  EXPECT_EQ(known.exit_code, 1);
  ASSERT_THAT(objects(known.out), SizeIs(2));
  EXPECT_EQ(objects(known.out)[0]["text"], "bad");
  EXPECT_THAT(objects(known.out)[1]["error"].get<std::string>(), HasSubstr("has 1 field"));
  const auto masks = fill_mask({"--input", file("dev.tsv")});
  EXPECT_THAT(masks.err, HasSubstr("no column 'text'; its columns are 'sentence', 'label'"));
}

TEST_F(PredictInputTest, DeepJsonIsRefusedWhereverItIsRead) {
  const std::string deep(200'000, '[');
  write_file_atomically(file("deep.jsonl"), "{\"text\": " + deep + "\n");
  const auto rows = classify("sentiment", {"--input", file("deep.jsonl")});
  EXPECT_EQ(rows.exit_code, 1);
  EXPECT_THAT(rows.err, HasSubstr("nested more than 100 levels deep"));
  const auto features = run_child(command(
      "features", "mlm", {"--input", file("deep.jsonl"), "--output", file("f.safetensors")}));
  EXPECT_EQ(features.exit_code, 1);
  EXPECT_THAT(features.err, HasSubstr("deep.jsonl:1: is nested more than 100 levels deep"));
  write_file_atomically(file("sentiment/config.json"), "{\"model_type\": " + deep);
  const auto config = classify("sentiment", {"--text", "a"});
  EXPECT_EQ(config.exit_code, 1);
  EXPECT_THAT(config.err, HasSubstr("config.json: is nested more than 100 levels deep"));
}

}  // namespace
}  // namespace linformer
