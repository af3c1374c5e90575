#include "element_loops.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "loops/version.h"

#include "linformer/core/error.h"

namespace linformer::cpu {

namespace {

constexpr const char* kVariable = "LINFORMER_CPU_LOOPS";

#ifdef LINFORMER_WITH_AVX512
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#endif

std::vector<const ElementLoops*> find_usable() {
  std::vector<const ElementLoops*> found{&baseline::loops};
#ifdef LINFORMER_WITH_AVX512
  if (has_avx512()) found.push_back(&avx512::loops);
#endif
  return found;
}

const ElementLoops* choose() {
  const char* const name = std::getenv(kVariable);
  if (name == nullptr || *name == '\0') return usable_loops().back();
  std::string names;
  for (const ElementLoops* loops : usable_loops()) {
    if (std::string(name) == loops->name) return loops;
    names += (names.empty() ? "" : " or ") + std::string(loops->name);
  }
  fail_usage(kVariable, "this program has no loops '" + std::string(name) + "' for this CPU",
             "set it to " + names + ", or unset it for the best");
}

}  // namespace

std::span<const ElementLoops* const> usable_loops() {
  static const std::vector<const ElementLoops*> usable = find_usable();
  return usable;
}

const ElementLoops& element_loops() {
  static const ElementLoops* const chosen = choose();
  return *chosen;
}

}  // namespace linformer::cpu
