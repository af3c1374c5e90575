#pragma once

#include <string>
#include <vector>

#include "predict_stream.h"

#include "linformer/data/text_requests.h"

namespace linformer {

/// What the lines of the inputs are.
enum class InputKind { kText, kJsonLines, kTable };

/// By --input-format, or by the names of the files. Throws UsageError if they are of several kinds.
InputKind input_kind_of(const StreamArguments& arguments);

/// The inputs as tables. Their columns are those of the options; without any, those that the model
/// was fine-tuned on, where `model_folder` lies in its run; else "text".
std::vector<RequestTable> request_tables(const StreamArguments& arguments,
                                         const std::string& model_folder);

}  // namespace linformer
