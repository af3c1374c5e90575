#pragma once

#include <span>
#include <string>
#include <vector>

#include "program.h"

namespace linformer {

struct ProgramSummary {
  const char* name;         ///< "linformer-data"
  const char* description;  ///< a sentence
};

/// All programs, in the order of their use.
std::span<const ProgramSummary> all_programs();

/// What --help of a program says: its description from all_programs(), and these examples.
ProgramInfo program_info(const std::string& name, std::vector<std::string> examples);

}  // namespace linformer
