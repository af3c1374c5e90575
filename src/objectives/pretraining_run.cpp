#include "linformer/objectives/pretraining_run.h"

#include "linformer/config/config_file.h"

namespace linformer {

std::string shared_settings(PretrainConfig config) {
  config.run = {.dir = "", .seed = config.run.seed, .threads = 0, .init_from = ""};
  config.tokenizer = {};
  config.data.train.clear();
  config.data.valid.clear();
  config.data.prefetch_batches = 1;
  config.data.loader_threads = 1;
  return settings_text(fields_of(config));
}

namespace {

TrainerSetup setup_of(PretrainConfig config) {
  return {RunKind::kPretraining,
          config.trainer(),
          compared_settings(RunKind::kPretraining, fields_of(config)),
          dump_yaml(config),
          shared_settings(config),
          {config.data.prefetch_batches, config.data.loader_threads},
          ModelWeights::kRaw};
}

}  // namespace

PretrainingRun::PretrainingRun(PretrainConfig config, std::shared_ptr<ProcessGroup> processes)
    : task_(std::move(config)), trainer_(task_, setup_of(task_.config()), std::move(processes)) {}

}  // namespace linformer
