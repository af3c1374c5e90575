#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A label as every reader takes it from a file: without blanks, tabs and line ends around it.
std::string_view trimmed_label(std::string_view written);

/// Why a text cannot name a task or a label, "" if it can: "is not UTF-8", "holds a tab or a line
/// end", "holds a control character". Names are written into config.json, which is UTF-8, into
/// tables of predictions, which end fields with tabs and rows with line ends, and on terminals.
std::string name_problem(std::string_view name);
/// The same of a label, as a sentence that quotes it.
std::string label_problem(std::string_view label);

/// A text in quotation marks for a message, control characters and bytes that are no UTF-8 as \xE9.
std::string quoted_text(std::string_view text);

/// The number that a text is as a whole: "-2.5", "1e3", "+1"; nothing for any other text. As in
/// JSON, one too small for a double is 0; one too large is infinite.
std::optional<double> number_in(std::string_view text);
/// The same of whole numbers; nothing for what 64 bits do not hold, and for "1.0".
std::optional<int64_t> whole_number_in(std::string_view text);

/// What to say about labels that a person may have meant to be one: they differ by case alone, or
/// are the same number.
std::vector<std::string> label_remarks(const std::vector<std::string>& labels);

}  // namespace linformer
