#pragma once

namespace CLI {
class App;
}

namespace linformer {

/// `linformer-bench attention`.
void add_attention_command(CLI::App& program);
/// `linformer-bench encoder`.
void add_encoder_command(CLI::App& program);
/// `linformer-bench operations`.
void add_operations_command(CLI::App& program);
/// `linformer-bench reduce`.
void add_reduce_command(CLI::App& program);

}  // namespace linformer
