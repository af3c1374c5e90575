#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/config/fields.h"

namespace CLI {
class App;
}

namespace linformer {

/// `linformer-eval task`.
void add_task_command(CLI::App& program);
/// `linformer-eval recall`.
void add_recall_command(CLI::App& program);

/// The value of --max-sequence-length: `wanted`, or if that is 0, all that the model takes. Throws
/// UsageError if it takes less.
int64_t sequence_length(int64_t wanted, int64_t models);
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
