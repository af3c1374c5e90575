#pragma once

#include <string>

namespace CLI {
class App;
}

namespace linformer {

// The subcommands of linformer-data. Each adds its options and its callback to the program.
void add_sample_command(CLI::App& program);
void add_extract_command(CLI::App& program);
void add_tokenizer_command(CLI::App& program);
void add_prepare_command(CLI::App& program);
void add_inspect_command(CLI::App& program);
void add_why_command(CLI::App& program);

/// Whether this is a model folder, a run folder or its checkpoints folder, and not a prefix of
/// shards.
bool is_checkpoint_path(const std::string& path);
/// Verifies and lists the checkpoints. Throws RunError for the first damaged one.
void inspect_checkpoints(const std::string& path, bool as_json);

}  // namespace linformer
