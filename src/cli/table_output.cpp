#include "table_output.h"

#include <CLI/CLI.hpp>

namespace linformer {
namespace {

TableStyle& chosen_style() {
  static TableStyle style = TableStyle::kAligned;
  return style;
}

}  // namespace

void add_markdown_option(CLI::App& command) {
  command.add_flag_callback(
      "--markdown", [] { chosen_style() = TableStyle::kMarkdown; }, "print tables as Markdown");
}

TableStyle table_style() {
  return chosen_style();
}

std::string shown_table(const TableRows& rows) {
  return table_text(rows, table_style()) + (table_style() == TableStyle::kMarkdown ? "\n" : "");
}

}  // namespace linformer
