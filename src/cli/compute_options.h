#pragma once

#include <string>

#include <c10/core/Device.h>

#include "linformer/kernels/prediction_scope.h"

namespace CLI {
class App;
}

namespace linformer {

/// Where and with how many threads a command computes.
struct ComputeOptions {
  std::string device = "auto";
  int threads = 0;  ///< 0 = all cores
};

/// --threads of a command that computes: for set_num_threads().
void add_threads_option(CLI::App& command, int& threads);

/// --device and --threads.
void add_compute_options(CLI::App& command, ComputeOptions& options);

/// --precision of a command that predicts. `precision` has to live as long as the command.
void add_precision_option(CLI::App& command, PredictionPrecision& precision);

struct Computing {
  c10::Device device;
  int threads = 1;  ///< of the CPU
};

/// Installs the memory-keeping allocator and sets the number of threads. Throws UsageError for a
/// device or a number of threads that this machine does not have.
Computing start_computing(const ComputeOptions& options);

}  // namespace linformer
