#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A reader of files that come from outside. `read` gets the path of a file with the bytes to try;
/// it may refuse them with an Error and nothing else, and has to use what it did not refuse.
struct FuzzTarget {
  std::string_view name;       ///< also the folder of its inputs, tests/fuzz/corpus/NAME
  std::string_view file_name;  ///< of the file, in a folder of its own
  void (*read)(const std::string& path);
  /// Puts right what a change of the bytes breaks at once (a checksum, a length), so that the
  /// reader gets further; null = nothing. The driver calls it for half of the inputs.
  void (*repair)(std::string& bytes) = nullptr;
};

const std::vector<FuzzTarget>& file_targets();
const std::vector<FuzzTarget>& model_targets();

/// For properties of what was read: throws std::logic_error unless it holds.
void require(bool holds, const char* what);

/// Throws std::invalid_argument with all names.
const FuzzTarget& fuzz_target(std::string_view name);

/// Lets the target read these bytes from `path`. What it throws besides an Error comes out.
void run_fuzz_target(const FuzzTarget& target, const std::string& path, std::string_view bytes);

}  // namespace linformer
