// One libFuzzer program per target (clang); LINFORMER_FUZZ_TARGET names the target.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/temporary_folder.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linformer;
  static const FuzzTarget& target = fuzz_target(LINFORMER_FUZZ_TARGET);
  static const TemporaryFolder folder;
  static const std::string path = folder.file(std::string(target.file_name));
  std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    run_fuzz_target(target, path, bytes);
    if (target.repair == nullptr) return 0;
    target.repair(bytes);
    run_fuzz_target(target, path, bytes);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "finding: %s\n", error.what());
    std::abort();
  }
  return 0;
}
