// linformer-data extract.
#include "cli/data_fixture.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ExtractTest : public ::testing::Test {
 protected:
  ProgramResult extract(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"linformer-data", "extract"});
    return run_child(arguments);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, const std::string& content) {
    write_file_atomically(file(name), content);
    return file(name);
  }

  TemporaryFolder folder_;
};

TEST_F(ExtractTest, WritesTextThatPrepareReads) {
  const std::string table =
      write("t.csv", "review,stars\n\"good,<br />bad\",1\nfine,2\nfine,3\nx,4\n");
  const auto result =
      extract({"--input", table, "--text-column", "review", "--replace-tags", "--output",
               file("new/out.txt"), "--held-out", file("held.txt"), "--held-out-every", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_text_file(file("new/out.txt")), "good, bad\nfine\n");
  EXPECT_EQ(read_text_file(file("held.txt")), "x\n");
  EXPECT_THAT(result.out, AllOf(HasSubstr("out.txt: 2 texts\n"), HasSubstr("1 texts, held out"),
                                HasSubstr("left out: 1 repeats")));
  const auto json = extract({"--input", table, "--text-column", "review", "--keep-repeats",
                             "--output", file("all.txt"), "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"texts\": 4"), HasSubstr("\"repeats\": 0")));
}

TEST_F(ExtractTest, SaysWhereTheLayoutWillNotBeGuessed) {
  const std::string table = write("t.tsv", "text\n{\"text\": \"abc\"}\nother\n");
  EXPECT_THAT(extract({"--input", table, "--output", file("o")}).err,
              HasSubstr("read it with --layout lines"));
  const std::string plain = write("p.tsv", "text\nabc\nother\n");
  EXPECT_EQ(extract({"--input", plain, "--output", file("p")}).err, "");
}

TEST_F(ExtractTest, RefusesWhatCannotBeMeant) {
  const std::string table = write("t.tsv", "id\ttext\n1\ta\n");
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    std::string message;
  };
  const std::vector<Case> cases{
      {{"--input", table, "--output", file("o"), "--held-out", file("o")}, 2, "is the same file"},
      {{"--input", table, "--output", file("o"), "--held-out", file("./x/../o")}, 2, "same file"},
      {{"--input", table, "--output", table}, 2, "is also an input"},
      {{"--input", table, "--output", ""}, 2, "--output: is empty"},
      {{"--input", table, "--output", file("o.zst")}, 2, "plain text is written"},
      {{"--input", table, "--output", file("o"), "--text-column", ""}, 2, "is empty"},
      {{"--input", write("t.jsonl", "{\"text\": \"a\"}\n"), "--output", file("o"), "--no-header"},
       2,
       "leave it out"},
      {{"--input", table, "--output", file("o"), "--held-out-every", "5"}, 2, "--held-out"},
      {{"--input", table, "--output", file("o"), "--held-out", file("h"), "--held-out-every", "1"},
       2,
       "2 or more"},
      {{"--input", table, "--output", file("o"), "--text-column", "body"}, 2, "body"},
      {{"--input", table, "--output", file("o"), "--no-header"}, 2, "counted from 0"},
      {{"--input", table, "--output", file("o"), "--no-header", "--text-column", "7"}, 2, "7"},
      {{"--input", file("none.tsv"), "--output", file("o")}, 2, "none.tsv"},
  };
  for (const Case& one : cases) {
    const auto result = extract(one.arguments);
    EXPECT_EQ(result.exit_code, one.exit_code) << one.message << "\n" << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(one.message), HasSubstr("fix:")));
    EXPECT_FALSE(std::filesystem::exists(file("o"))) << one.message;
  }
  EXPECT_EQ(read_text_file(table), "id\ttext\n1\ta\n");
}

}  // namespace
}  // namespace linformer
