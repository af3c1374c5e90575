#pragma once

#include <string>
#include <vector>

#include "linformer/config/fields.h"

namespace CLI {
class App;
}

namespace linformer {

/// `linformer-eval task`.
void add_task_command(CLI::App& program);
/// `linformer-eval spectrum`.
void add_spectrum_command(CLI::App& program);
/// `linformer-eval projection-error`.
void add_projection_error_command(CLI::App& program);

/// The values that an option for this enum accepts.
template <NamedEnum E>
std::vector<std::string> names_of() {
  return {EnumNames<E>::kNames.begin(), EnumNames<E>::kNames.end()};
}

}  // namespace linformer
