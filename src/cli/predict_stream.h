#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "compute_options.h"

#include "linformer/config/finetune_config.h"
#include "linformer/config/model_config.h"
#include "linformer/data/length_batches.h"
#include "linformer/data/text_requests.h"

namespace CLI {
class App;
}

namespace linformer {

/// The shared arguments of the commands that answer line by line.
struct StreamArguments {
  std::string checkpoint;
  std::vector<std::string> texts;
  std::vector<std::string> inputs;
  std::string input_format = "auto";
  std::string task;  ///< for classify: a known task, for the columns of a table
  std::string text_column;
  std::string pair_column;
  bool no_header = false;
  std::optional<TaskConfig> fine_tuned_on;  ///< what the model's run says of its data
  std::optional<Truncation> truncation;
  int64_t max_sequence_length = 0;  ///< 0 = the model's n
  int64_t top_k = 5;
  int64_t batch_size = 16;
  int64_t look_ahead = 512;
  ComputeOptions compute;
  PredictionPrecision precision = PredictionPrecision::kFp32;
  bool json = false;

  BatchBounds bounds() const { return {batch_size, BatchBounds{}.max_positions}; }
};
void add_stream_options(CLI::App& command, StreamArguments& arguments);

/// The rows of a window in order. Rows of requests with an error have no ids.
std::vector<InputRow> take_rows(std::vector<TextRequest>& window);

/// Answers of a window in order: a line for people, or the fields that --json adds to a line's
/// object.
struct Answers {
  std::vector<std::string> lines;
  std::vector<nlohmann::ordered_json> objects;
  bool complete = true;  ///< false after a signal
};

/// Reads windows of requests, calls `answer`, and writes a line for each request to stdout at once.
/// Throws RunError at the end if a line could not be answered.
void answer_requests(const StreamArguments& given, RequestKind kind, const ModelConfig& config,
                     const Tokenizer& tokenizer,
                     const std::function<Answers(std::vector<TextRequest>&)>& answer);

}  // namespace linformer
