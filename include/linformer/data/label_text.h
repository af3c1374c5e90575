#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A label as every reader takes it from a file: without blanks, tabs and line ends around it.
std::string_view trimmed_label(std::string_view written);

/// Why a text cannot name a label, "" if it can. Labels are written into config.json, which is
/// UTF-8, and into tables of predictions, which end fields with tabs and rows with line ends.
std::string label_problem(std::string_view label);

/// A text in quotation marks for a message, bytes that are no UTF-8 as \xE9.
std::string quoted_text(std::string_view text);

/// What to say about labels that a person may have meant to be one: they differ by case alone, or
/// are the same number.
std::vector<std::string> label_remarks(const std::vector<std::string>& labels);

}  // namespace linformer
