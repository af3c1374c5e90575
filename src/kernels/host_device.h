#pragma once

/// Marks a function that CPU code and CUDA kernels share. A machine without a GPU can thus test its
/// arithmetic.
#ifdef __CUDACC__
#define LINFORMER_HOST_DEVICE __host__ __device__
#else
#define LINFORMER_HOST_DEVICE
#endif
