#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace linformer {

/// The form of --help: names and what they take on the left; help, what is allowed and the default
/// on the right.
std::shared_ptr<CLI::FormatterBase> help_format();

}  // namespace linformer
