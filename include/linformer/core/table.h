#pragma once

#include <string>
#include <vector>

namespace linformer {

/// The header, then the rows.
using TableRows = std::vector<std::vector<std::string>>;

enum class TableStyle {
  kAligned,   ///< columns padded to one width, for a terminal: format_table()
  kMarkdown,  ///< for documents, and for files that programs write
};

/// The one printer of tables for people.
std::string table_text(const TableRows& rows, TableStyle style);

}  // namespace linformer
