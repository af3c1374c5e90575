#include "linformer/core/table.h"

#include <algorithm>

#include "linformer/core/format.h"

namespace linformer {
namespace {

std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '|') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

std::string markdown_table(const TableRows& rows) {
  size_t num_columns = 0;
  for (const auto& row : rows) num_columns = std::max(num_columns, row.size());
  std::string table;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < num_columns; ++c) {
      table += "| " + (c < rows[r].size() ? markdown_cell(rows[r][c]) : "") + " ";
    }
    table += "|\n";
    if (r > 0) continue;
    for (size_t c = 0; c < num_columns; ++c) table += "|---";
    table += "|\n";
  }
  return table;
}

}  // namespace

std::string table_text(const TableRows& rows, TableStyle style) {
  return style == TableStyle::kMarkdown ? markdown_table(rows) : format_table(rows);
}

}  // namespace linformer
