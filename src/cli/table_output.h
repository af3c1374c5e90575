#pragma once

#include <string>

#include "linformer/core/table.h"

namespace CLI {
class App;
}

namespace linformer {

/// Adds --markdown to a command that prints tables.
void add_markdown_option(CLI::App& command);

/// Markdown if the command line has --markdown, otherwise aligned columns.
TableStyle table_style();

/// A table for standard output, in that style. An empty line ends one in Markdown, so that no text
/// behind it becomes a row.
std::string shown_table(const TableRows& rows);

}  // namespace linformer
