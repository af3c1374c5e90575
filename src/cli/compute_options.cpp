#include "compute_options.h"

#include <vector>

#include <CLI/CLI.hpp>

#include "option_checks.h"

#include "linformer/config/trainer_config.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/compute_device.h"
#include "linformer/kernels/thread_setup.h"

namespace linformer {

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "threads of the CPU; 0 = OMP_NUM_THREADS, or all cores")
      ->check(takes_at_least(0));
}

void add_compute_options(CLI::App& command, ComputeOptions& options) {
  const auto& names = EnumNames<DeviceChoice>::kNames;
  command
      .add_option("--device", options.device,
                  "cpu, cuda, or auto: cuda if this build and machine have it")
      ->check(takes_one_of_names(names))
      ->capture_default_str();
  add_threads_option(command, options.threads);
}

void add_precision_option(CLI::App& command, PredictionPrecision& precision) {
  command
      .add_option_function<std::string>(
          "--precision",
          [&precision](const std::string& name) {
            precision = *enum_of<PredictionPrecision>(name);
          },
          "number type of products with weights: fp32, bf16, or int8 (on the CPU)")
      ->check(takes_one_of_names(EnumNames<PredictionPrecision>::kNames))
      ->default_str(std::string(name_of(precision)));
}

Computing start_computing(const ComputeOptions& options) {
  install_caching_allocator();
  const int threads = set_num_threads(options.threads);
  return {compute_device(*enum_of<DeviceChoice>(options.device), 0, "--device"), threads};
}

}  // namespace linformer
