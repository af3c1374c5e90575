#pragma once

#include <string>

namespace CLI {
class App;
}

namespace linformer {

/// The commands of linformer-report. `command_line` is the whole one, for the pages.
void add_paper_command(CLI::App& program, const std::string& command_line);
void add_list_command(CLI::App& program);
void add_run_command(CLI::App& program, const std::string& command_line);
void add_compare_command(CLI::App& program, const std::string& command_line);
void add_expected_command(CLI::App& program);

}  // namespace linformer
