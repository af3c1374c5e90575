// Behaviour that all subcommands of linformer-data share: help, version, exit codes.
#include "cli/data_fixture.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ProgramResult data(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "linformer-data");
  return run_child(arguments);
}

TEST(DataProgram, HelpHasExamples) {
  const auto help = data({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("tokenizer"), HasSubstr("prepare"), HasSubstr("inspect"),
                              HasSubstr("sample"), HasSubstr("why"), HasSubstr("Examples:")));
  EXPECT_THAT(help.err, IsEmpty());
  for (const char* command : {"sample", "extract", "tokenizer", "prepare", "inspect", "why"}) {
    const auto result = data({command, "--help"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr("Examples:")) << command;
  }
}

TEST(DataProgram, TellsItsVersion) {
  const auto version = data({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, ::testing::MatchesRegex("linformer-data [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

// LibTorch takes 0.4 s to load.
TEST(DataProgram, StartsWithoutLibTorch) {
  const auto loaded = run_child({"linformer-data"}, {.environment = {"LD_TRACE_LOADED_OBJECTS=1"}});
  EXPECT_THAT(loaded.out, AllOf(HasSubstr("libc."), ::testing::Not(HasSubstr("torch"))));
}

TEST(DataProgram, WrongCommandLinesEndWithTwo) {
  const auto none = data({});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("see linformer-data --help"));

  const auto missing = data({"prepare", "--input", "x"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, AllOf(HasSubstr("--tokenizer is required"),
                                 HasSubstr("see linformer-data prepare --help")));

  const auto unknown = data({"sample", "--output", "x", "--megabyte", "3"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean --megabytes?"));

  const auto no_number = data({"sample", "--output", "x", "--megabytes", "many"});
  EXPECT_EQ(no_number.exit_code, 2);
  EXPECT_THAT(no_number.err, HasSubstr("--megabytes"));
}

TEST(DataProgram, OutputThatCannotBeWrittenIsAnError) {
  const TemporaryFolder folder;
  const std::string command = std::string(LINFORMER_PROGRAMS_DIR) +
                              "/linformer-data --help > /dev/full 2> " + folder.file("err");
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(read_text_file(folder.file("err")), HasSubstr("standard output"));
}

}  // namespace
}  // namespace linformer
