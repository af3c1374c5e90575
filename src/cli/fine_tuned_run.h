#pragma once

#include <optional>
#include <string>

#include "linformer/config/finetune_config.h"

namespace CLI {
class App;
}

namespace linformer {

/// The configuration of the fine-tuning run that this model folder is a checkpoint of
/// (RUN/checkpoints/NAME); nothing for other folders. It names the columns of the data and how
/// texts were cut, which the model itself does not say. Logs that it is used; warns if it cannot be
/// read.
std::optional<FinetuneConfig> fine_tuning_of(const std::string& model_folder);

/// --truncation of commands that read rows as in the fine-tuning.
void add_truncation_option(CLI::App& command, std::optional<Truncation>& truncation);

/// The tokens of a row: `given`, or with 0 those of the fine-tuning.
int64_t length_as_fine_tuned(int64_t given, const std::optional<FinetuneConfig>& run);

/// The part that is kept of a text that is too long: `given`, else that of the fine-tuning, else
/// its head.
Truncation truncation_as_fine_tuned(std::optional<Truncation> given,
                                    const std::optional<FinetuneConfig>& run);

}  // namespace linformer
