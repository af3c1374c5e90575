#pragma once

/// Marks a function that CPU code and CUDA kernels share. A machine without a GPU can thus test its
/// arithmetic. CPU code never calls it but inlines it, so that each version of the CPU's loops has
/// its own (cpu/element_loops.h).
#ifdef __CUDACC__
#define LINFORMER_HOST_DEVICE __host__ __device__
#else
#define LINFORMER_HOST_DEVICE [[gnu::always_inline]]
#endif
