// linformer: says which programs there are, and starts them.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "programs.h"

#include "linformer/core/child_process.h"

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

/// `linformer data ...` is linformer-data of the same folder. Returns if there is none.
void become_program(char** arguments) {
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
}

}  // namespace
}  // namespace linformer

int main(int argc, char** argv) {
  if (argc > 1) linformer::become_program(argv);
  // Of an unknown program nothing else counts, --help neither.
  if (argc > 1 && argv[1][0] != '-') argc = 2;
  const linformer::ProgramInfo info{
      "linformer",
      "Pre-trains, fine-tunes and measures Linformer encoders with the programs that it lists.",
      {"linformer --list", "linformer train --help     # the same as linformer-train --help"}};
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.add_flag_callback("--list", &linformer::print_programs,
                              "each program and what it does, a line for each (the default)");
    program.callback([&program] {
      if (program.count("--list") == 0) linformer::print_programs();
    });
  });
}
