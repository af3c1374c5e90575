#include "rules.h"

#include <cstdlib>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"

namespace linformer {
void require_text(const std::string& key, const std::string& value, const std::string& example) {
  if (!value.empty()) return;
  const std::string name = setting_name(key);
  fail_usage(name, "is not set",
             "set it, e.g. " + name + (name.starts_with("--") ? " " : ": ") + example);
}

void require_in(const WholeRange& range, const std::string& key, int64_t value) {
  const std::string problem = range_problem(value, range);
  if (!problem.empty()) fail_usage(key, problem, "give a whole number, " + range_text(range));
}

int64_t nearest_divisor(int64_t size, int64_t wanted) {
  int64_t best = 1;
  for (int64_t candidate = 1; candidate <= size; ++candidate) {
    if (size % candidate == 0 && std::abs(candidate - wanted) < std::abs(best - wanted)) {
      best = candidate;
    }
  }
  return best;
}

}  // namespace linformer
