#include "linformer/report/csv.h"

#include <stdexcept>

namespace linformer {

namespace {

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    line += csv_field(fields[i]);
  }
  // A lone empty field would read as an empty line.
  if (line.empty()) line = "\"\"";
  return line + "\r\n";
}

}  // namespace

std::string csv_field(std::string_view text) {
  const bool blank_end = text.starts_with(' ') || text.ends_with(' ');
  if (!blank_end && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string field = "\"";
  for (const char letter : text) {
    if (letter == '"') field += '"';
    field += letter;
  }
  return field + '"';
}

std::string csv_text(const std::vector<std::string>& header,
                     const std::vector<std::vector<std::string>>& rows) {
  std::string text = csv_line(header);
  for (const auto& row : rows) {
    if (row.size() != header.size())
      throw std::invalid_argument("a row of a CSV file needs a field for each column");
    text += csv_line(row);
  }
  return text;
}

}  // namespace linformer
