// linformer-report: tables and pages of runs, and the paper's experiments.
#include <CLI/CLI.hpp>

#include "programs.h"
#include "report_commands.h"

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-report",
      {"linformer-report list runs", "linformer-report run runs/sample",
       "linformer-report compare runs/k64 runs/k128", "linformer-report paper --scale tiny"});
  std::string command_line = "linformer-report";
  for (int i = 1; i < argc; ++i) command_line += std::string(" ") + argv[i];
  return linformer::run_program(argc, argv, info, [&](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_list_command(program);
    linformer::add_run_command(program, command_line);
    linformer::add_compare_command(program, command_line);
    linformer::add_expected_command(program);
    linformer::add_paper_command(program, command_line);
  });
}
