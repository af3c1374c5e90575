#pragma once

#include <string>

namespace linformer {

/// The processor, its cores and the GPU, if there is one: "AMD EPYC 7B13, 2 cores".
std::string machine_name();

/// The command line of this process, its words in single quotes where a shell needs them; "" if
/// the system does not tell.
std::string own_command_line();

/// "0.1.0"
std::string library_version();

}  // namespace linformer
