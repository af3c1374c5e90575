#include "linformer/objectives/resolve_precision.h"

#include <filesystem>
#include <optional>
#include <string>

#include "run_device.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/kernels/precision_speed.h"

namespace linformer {
namespace {

/// The precision in the config.yaml of a run folder; nothing if there is none that can be read, or
/// if it has none.
template <class Config>
std::optional<Precision> recorded_precision(const std::string& folder) {
  const std::string path = folder + "/config.yaml";
  if (!std::filesystem::exists(path)) return std::nullopt;
  Config recorded;
  try {
    read_yaml(fields_of(recorded), read_config_text(path), path);
  } catch (const UsageError&) {
    return std::nullopt;  // of another version; the trainer says what is wrong with the run
  }
  if (recorded.training.precision == Precision::kAuto) return std::nullopt;
  return recorded.training.precision;
}

template <class Config>
ChosenPrecision choice_for(const Config& config, c10::Device device, bool force_slow) {
  const auto recorded = recorded_precision<Config>(config.run.dir);
  if (!recorded) return choose_precision(device);
  check_precision_speed(*recorded, device, force_slow);
  return {*recorded, "as in " + config.run.dir + "/config.yaml"};
}

template <class Config>
void resolve(Config& config, ProcessGroup& processes, bool force_slow) {
  const c10::Device device = run_device(config);
  if (config.training.precision != Precision::kAuto) {
    check_precision_speed(config.training.precision, device, force_slow);
    return;
  }
  ChosenPrecision chosen;
  if (processes.is_first()) {
    chosen = choice_for(config, device, force_slow);
    log_info("precision " + std::string(name_of(chosen.precision)) + ": " + chosen.reason);
  }
  const std::string name = processes.broadcast(std::string(name_of(chosen.precision)));
  config.training.precision = *enum_of<Precision>(name);
}

}  // namespace

void resolve_precision(PretrainConfig& config, ProcessGroup& processes, bool force_slow) {
  resolve(config, processes, force_slow);
}

void resolve_precision(FinetuneConfig& config, ProcessGroup& processes, bool force_slow) {
  resolve(config, processes, force_slow);
}

}  // namespace linformer
