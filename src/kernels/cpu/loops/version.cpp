// Compiled once for each version of the loops, with LINFORMER_LOOPS as its name. All functions have
// internal linkage: the linker must not take one that needs AVX-512 for another CPU. So nothing
// here may include LibTorch, or call a function of the standard library that is defined in its
// header (tests/architecture/loop_symbols.cmake).
#include "version.h"

#include "attention.h"
#include "convolution.h"
#include "gelu.h"
#include "loss.h"
#include "norm.h"
#include "rounding.h"

#define LINFORMER_TEXT_OF(NAME) #NAME
#define LINFORMER_TEXT(NAME) LINFORMER_TEXT_OF(NAME)

namespace linformer::cpu::LINFORMER_LOOPS {

constinit const ElementLoops loops{norm_loops<float, float, float>(),
                                   norm_loops<float, float, Bf16>(),
                                   norm_loops<float, Bf16, float>(),
                                   norm_loops<float, Bf16, Bf16>(),
                                   norm_loops<double, double, double>(),
                                   gelu_loops<float>(),
                                   gelu_loops<double>(),
                                   gelu_loops<Bf16>(),
                                   convolution_loops<float>(),
                                   convolution_loops<double>(),
                                   convolution_loops<Bf16>(),
                                   attention_loops<float>(),
                                   attention_loops<double>(),
                                   dot_loops<float>(),
                                   dot_loops<double>(),
                                   dot_loops<Bf16>(),
                                   loss_loops<float>(),
                                   loss_loops<double>(),
                                   rounding_loops(),
                                   LINFORMER_TEXT(LINFORMER_LOOPS)};

}  // namespace linformer::cpu::LINFORMER_LOOPS
