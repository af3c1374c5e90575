#pragma once

namespace CLI {
class App;
}

namespace linformer {

/// `linformer-predict features`.
void add_features_command(CLI::App& program);
/// `linformer-predict fill-mask`.
void add_fill_mask_command(CLI::App& program);
/// `linformer-predict classify`.
void add_classify_command(CLI::App& program);

}  // namespace linformer
