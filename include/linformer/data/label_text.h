#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A label as every reader takes it from a file: without blanks, tabs and line ends around it.
std::string_view trimmed_label(std::string_view written);

/// Why a text cannot name a task or a label: "is not UTF-8", "holds a tab or a line end" or "holds
/// a control character"; "" if it can. Names are written into config.json, which is UTF-8; into
/// tables of predictions, where tabs end fields and line ends end rows; and to terminals.
std::string name_problem(std::string_view name);
/// The same for a label, as a sentence that quotes it.
std::string label_problem(std::string_view label);

/// A text in quotation marks for a message. Control characters and bytes that are not UTF-8 are
/// written as \xE9.
std::string quoted_text(std::string_view text);

/// The number that the whole text stands for: "-2.5", "1e3", "+1"; nothing for any other text. As
/// in JSON, a number too small for a double is 0, and one too large is infinite.
std::optional<double> number_in(std::string_view text);
/// The same for whole numbers; nothing for "1.0" and for numbers that do not fit into 64 bits.
std::optional<int64_t> whole_number_in(std::string_view text);

/// Remarks about labels that may have been meant as one: they differ only in case, or are the same
/// number.
std::vector<std::string> label_remarks(const std::vector<std::string>& labels);

}  // namespace linformer
