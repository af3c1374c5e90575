#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A field of a CSV file (RFC 4180): in quotes if it has a comma, a quote or a line end, or starts
/// or ends with a blank.
std::string csv_field(std::string_view text);

/// A whole file: a header and rows, each line ended by CR LF. Throws std::invalid_argument if a row
/// does not have as many fields as the header.
std::string csv_text(const std::vector<std::string>& header,
                     const std::vector<std::vector<std::string>>& rows);

}  // namespace linformer
