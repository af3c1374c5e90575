#pragma once

#include "../element_loops.h"

/// The table of each version (version.cpp). A build for other CPUs than x86-64 has the first alone.
namespace linformer::cpu {
namespace baseline {
extern const ElementLoops loops;
}
namespace avx512 {
extern const ElementLoops loops;
}
}  // namespace linformer::cpu
