#pragma once

#include <string>
#include <vector>

#include "predict_stream.h"

#include "linformer/data/text_requests.h"

namespace linformer {

/// The format of the input lines.
enum class InputKind { kText, kJsonLines, kTable };

/// As --input-format says, or by the names of the files. Throws UsageError if they are of several
/// kinds.
InputKind input_kind_of(const StreamArguments& arguments);

/// The inputs as tables. Their columns come from the options; without these, from the data that the
/// model was fine-tuned on, if that is known; else the column is "text".
std::vector<RequestTable> request_tables(const StreamArguments& arguments);

}  // namespace linformer
