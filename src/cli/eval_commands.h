#pragma once

namespace CLI {
class App;
}

namespace linformer {

/// `linformer-eval task`.
void add_task_command(CLI::App& program);

}  // namespace linformer
