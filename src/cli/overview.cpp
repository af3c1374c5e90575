// linformer: says which programs there are, and starts them.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "command_text.h"
#include "programs.h"

#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/quiet.h"

namespace linformer {
namespace {

void print_programs() {
  size_t width = 0;
  for (const ProgramSummary& program : all_programs()) {
    width = std::max(width, std::string(program.name).size());
  }
  for (const ProgramSummary& program : all_programs()) {
    std::printf("%-*s  %s\n", static_cast<int>(width), program.name, program.description);
  }
}

[[noreturn]] void refuse_unknown(const std::string& command) {
  std::vector<std::string> commands;
  for (const ProgramSummary& program : all_programs()) {
    commands.push_back(std::string(program.name).substr(std::strlen("linformer-")));
  }
  const std::string nearest = nearest_name(command, commands);
  const std::string suggestion = nearest.empty() ? "" : "did you mean " + nearest + "? ";
  std::fprintf(stderr,
               "linformer: error: command line: there is no command %s\n  fix: %ssee linformer "
               "--list\n",
               command.c_str(), suggestion.c_str());
  std::exit(2);
}

/// `linformer data ...` is linformer-data of the same folder. Does not return.
[[noreturn]] void become_program(char** arguments) {
  const std::string name = std::string("linformer-") + arguments[1];
  for (const ProgramSummary& program : all_programs()) {
    if (name != program.name) continue;
    const auto path = std::filesystem::path(this_program()).parent_path() / name;
    execv(path.c_str(), arguments + 1);
    std::fprintf(stderr,
                 "linformer: error: %s: cannot be started (%s)\n  fix: build or install it "
                 "(README.md)\n",
                 path.c_str(), std::strerror(errno));
    std::exit(1);
  }
  refuse_unknown(arguments[1]);
}

}  // namespace
}  // namespace linformer

int main(int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-') linformer::become_program(argv);
  const linformer::ProgramInfo info{
      "linformer",
      "Pre-trains, fine-tunes and measures Linformer encoders with the programs that it lists.",
      {"linformer --list", "linformer train --help     # the same as linformer-train --help"}};
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    // For --help, completion scripts and the manual. become_program() has started the program by
    // then, unless an option stands before its name.
    for (const linformer::ProgramSummary& one : linformer::all_programs()) {
      const std::string name = std::string(one.name).substr(std::strlen("linformer-"));
      CLI::App* command = program.add_subcommand(name, one.description);
      command->group(linformer::kProgramsGroup);
      command->callback([name] {
        linformer::fail_usage(name, "options come after the name of the program",
                              "write linformer " + name + " --help");
      });
    }
    program.add_flag_callback("--quiet", &linformer::be_quiet, "nothing else is printed anyway")
        ->trigger_on_parse();
    program.add_flag_callback("--list", &linformer::print_programs,
                              "each program and what it does, a line for each (the default)");
    program.callback([&program] {
      if (program.count("--list") == 0) linformer::print_programs();
    });
  });
}
