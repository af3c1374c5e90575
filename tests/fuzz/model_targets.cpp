// The readers of files that need LibTorch.
#include "fuzz/fuzz_target.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/atomic_file.h"
#include "linformer/experiments/run_record.h"
#include "linformer/train/training_state.h"

namespace linformer {

namespace {

void read_config(const std::string& path) {
  const std::string text = read_text_file(path);
  const HeadConfig head = head_config_from_json(text, path);
  const ModelConfig config = model_config_from_json(text, path);
  const std::string written = to_config_json(config, head);
  require(model_config_from_json(written, path).resolved_initializer_range() ==
              config.resolved_initializer_range(),
          "config.json reads back");
}

void read_state(const std::string& path) {
  const TrainingState state = parse_training_state(read_text_file(path), path);
  require(parse_training_state(training_state_text(state), path) == state, "a state reads back");
}

void read_record(const std::string& path) {
  const RunRecord record = run_record_from_json(read_text_file(path), path);
  curve_of(record);
  value_of(record, "curve.0.perplexity");
  const std::string text = to_json(record);
  require(to_json(run_record_from_json(text, path)) == text, "a record reads back");
}

}  // namespace

const std::vector<FuzzTarget>& model_targets() {
  static const std::vector<FuzzTarget> all{
      {"config", "config.json", read_config},
      {"state", "state.json", read_state},
      {"record", "seed-1.json", read_record},
  };
  return all;
}

}  // namespace linformer
