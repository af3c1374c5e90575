#include "linformer/core/machine.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/processors.h"

namespace linformer {
namespace {

TEST(Machine, NamesTheProcessorAndItsCores) {
  EXPECT_THAT(machine_name(),
              testing::HasSubstr(", " + std::to_string(num_processors()) + " cores"));
}

TEST(Machine, GivesACommandLineThatAShellReadsBackAsTheSameWords) {
  const TemporaryFolder folder;
  const std::string line = own_command_line();
  // The shell writes each word on a line, as the system does with a zero behind each.
  const std::string command = "printf '%s\\n' " + line + " > '" + folder.file("words") + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream stream("/proc/self/cmdline", std::ios::binary);
  std::string words;
  for (std::string word; std::getline(stream, word, '\0');) words += word + "\n";
  EXPECT_EQ(read_text_file(folder.file("words")), words);
}

}  // namespace
}  // namespace linformer
