#pragma once

#include <string>

#include "data_inputs.h"

#include "linformer/data/text_dataset.h"
#include "linformer/text/tokenizer.h"

namespace CLI {
class App;
}

namespace linformer {

/// The held-out text of a subcommand of linformer-eval: text files, or prefixes of token shards.
struct HeldOutText {
  TextInputs data;
  std::string special_literals = "auto";

  /// --data and the options that say how text is read.
  void add_options(CLI::App& command);
  /// Reads all of it. Logs what could not be read. Throws Error.
  TextDataset open(const Tokenizer& tokenizer, int threads);
};

}  // namespace linformer
