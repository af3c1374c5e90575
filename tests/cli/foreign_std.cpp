// A library that exports a function of std::, as some LibTorch wheels do. This one removes nothing.
#include "cli/foreign_std.h"

#include <filesystem>

namespace std::filesystem {

uintmax_t remove_all(const path&) {
  return 4711;
}

}  // namespace std::filesystem

namespace linformer {

void use_foreign_std() {}

}  // namespace linformer
