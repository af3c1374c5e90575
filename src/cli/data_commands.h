#pragma once

namespace CLI {
class App;
}

namespace linformer {

// The subcommands of linformer-data: each adds its options and what it does to the program.
void add_sample_command(CLI::App& program);
void add_tokenizer_command(CLI::App& program);
void add_prepare_command(CLI::App& program);
void add_inspect_command(CLI::App& program);
void add_why_command(CLI::App& program);

}  // namespace linformer
