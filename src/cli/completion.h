#pragma once

#include <string>

#include "command_text.h"

namespace linformer {

// Scripts that complete a program's commands, options and values in a shell, made from its
// declarations. Values that are not names from a list are completed as files.

/// For bash 4 or newer; needs no package. To be read by bash, or put into
/// share/bash-completion/completions under the program's name.
std::string bash_completion(const CommandText& program);

/// For zsh; to be put into a folder of $fpath as _PROGRAM.
std::string zsh_completion(const CommandText& program);

}  // namespace linformer
