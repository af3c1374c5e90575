#include "linformer/train/step_profiler.h"

#include <cstdio>
#include <set>

#include <torch/csrc/autograd/profiler_kineto.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

namespace profiler = torch::autograd::profiler;
namespace implementation = torch::profiler::impl;

const std::set<implementation::ActivityType>& activities() {
  // CUDA's activities are recorded too where LibTorch has them.
  static const std::set<implementation::ActivityType> kAll{implementation::ActivityType::CPU,
                                                           implementation::ActivityType::CUDA};
  return kAll;
}

implementation::ProfilerConfig configuration() {
  return implementation::ProfilerConfig(implementation::ProfilerState::KINETO,
                                        /*report_input_shapes=*/true);
}

}  // namespace

StepProfiler::~StepProfiler() {
  if (first_ > 0) profiler::disableProfiler();
}

void StepProfiler::before_step(int64_t step) {
  if (step != config_.first_step || config_.first_step == 0) return;
  profiler::prepareProfiler(configuration(), activities());
  profiler::enableProfiler(configuration(), activities());
  first_ = step;
}

void StepProfiler::after_step(int64_t step) {
  if (first_ == 0) return;
  last_ = step;
  if (step + 1 >= first_ + config_.steps) write();
}

void StepProfiler::finish() {
  if (first_ > 0 && last_ >= first_) write();
}

void StepProfiler::write() {
  const auto result = profiler::disableProfiler();
  char name[64];
  std::snprintf(name, sizeof(name), "/trace-%08ld-%08ld.json", static_cast<long>(first_),
                static_cast<long>(last_));
  first_ = 0;
  const std::string path = folder_ + name;
  const std::string temporary = path + ".tmp";
  result->save(temporary);
  write_file_atomically(path, read_text_file(temporary));
  std::remove(temporary.c_str());
  path_ = path;
  log_info("wrote " + path_ + " (open it in ui.perfetto.dev or chrome://tracing)");
}

}  // namespace linformer
