#pragma once

namespace linformer {

/// Keeps a program linked with the library that has a std::filesystem::remove_all of its own.
void use_foreign_std();

}  // namespace linformer
