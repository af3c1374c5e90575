#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "eval_text.h"

#include "linformer/analysis/row_sample.h"
#include "linformer/config/model_config.h"
#include "linformer/text/tokenizer.h"

namespace CLI {
class App;
}

namespace linformer {

/// The rows of a subcommand of linformer-eval that looks at attention matrices: held-out text, or
/// the labelled text of a known task.
struct RowInputs {
  HeldOutText text;
  std::string task;
  std::string input;
  int64_t max_sequences = 100;

  /// --data and how it is read, --task, --input, --max-sequences.
  void add_options(CLI::App& command);
  /// Throws UsageError unless either --data or --task and --input are given.
  void check(const std::string& command) const;
  /// Rows of n = `length` tokens. Throws Error, also if no row is long enough.
  RowSample read(const ModelConfig& config, const Tokenizer& tokenizer, int64_t length,
                 int threads);
};

/// Throws UsageError that names `option` unless a model of this configuration takes rows of
/// `length` tokens.
void check_row_length(const std::string& option, int64_t length, const ModelConfig& config);

/// "12 sequences of 64 tokens (15 read, 3 too short, 10 cut)"
std::string describe_rows(const RowSample& sample);
/// {"n", "sequences", "rows_read", "rows_too_short", "rows_cut"}
nlohmann::ordered_json rows_json(const RowSample& sample);

}  // namespace linformer
