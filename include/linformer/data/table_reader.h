#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linformer/text/document_reader.h"

namespace linformer {

enum class TableFormat {
  kTsv,        ///< fields between tabs; a quotation mark is text
  kCsv,        ///< RFC 4180: "..." may hold commas, line ends and, doubled, quotation marks
  kJsonLines,  ///< an object a line
};

/// The format by a file's name, .zst and .gz aside: .csv, .jsonl (.json, .ndjson), else TSV.
TableFormat table_format_of(const std::string& path);

/// A column by the name in the header (the key, in JSON lines), or by its place from 0.
struct Column {
  Column(std::string column_name) : name(std::move(column_name)) {}
  Column(const char* column_name) : name(column_name) {}
  static Column at(int64_t place) {
    Column column("");
    column.index = place;
    return column;
  }

  std::string name;  ///< "" = by index
  int64_t index = -1;

  bool operator==(const Column&) const = default;
};

struct TableOptions {
  TableFormat format = TableFormat::kTsv;
  bool header = true;  ///< the first line has the names; JSON lines need none
  /// TSV: a field written as in CSV, "..." with inner quotation marks doubled, loses its quoting
  /// after the split at tabs (QQP). Elsewhere a field may begin with a mark that is text.
  bool undo_quotes = false;
  /// Numbers of fields that rows without header may have; none = that of the first row.
  std::vector<int64_t> num_fields = {};
};

/// A column to read. One that is not required may be absent from the file as a whole.
struct WantedColumn {
  Column column;
  bool required = true;
};

struct TableRow {
  int64_t line = 0;                 ///< where it begins, from 1
  std::vector<std::string> fields;  ///< of the wanted columns, in their order; "" if absent
  std::string problem;              ///< why it cannot be read; "" = it could, and has fields
};

/// The rows of a table, compressed (.zst, .gz) or plain, one after the other. Lines end at LF or CR
/// LF, in files of old Macs at CR (newline_of()); nothing else ends one: U+0085 and U+2028 stay
/// in the text. A byte-order mark is dropped; empty lines at the file's end are nothing.
class TableReader {
 public:
  /// Throws RunError if the file is missing, empty, or has not the columns that are required; names
  /// the columns that it has.
  TableReader(std::string path, TableOptions options, std::vector<WantedColumn> wanted);

  /// The next row, or nothing at the end. A row with a wrong number of fields, or that is no JSON
  /// object, comes with its problem. Throws RunError where no row could follow: a quoted field
  /// without end, a NUL byte, a damaged stream.
  std::optional<TableRow> next();

  /// Whether the file has wanted column number i.
  bool has(size_t i) const { return places_[i].has_value(); }
  const std::string& path() const { return path_; }
  /// Places in rows of JSON that were malformed (append_repaired_json()) and became U+FFFD; of
  /// other rows the fields come as they are.
  int64_t num_repaired() const { return num_repaired_; }
  /// FILE:LINE
  std::string where(int64_t line) const;

 private:
  std::optional<std::string_view> next_line();
  std::optional<TableRow> next_delimited();
  std::optional<TableRow> next_json();
  std::string repaired_json(std::string_view line);
  std::vector<std::string> split_csv(std::string record, std::string& problem);
  TableRow select(int64_t line, std::vector<std::string>&& fields);
  void read_header();
  void read_first_json();
  void resolve(const std::vector<std::string>& names);
  [[noreturn]] void fail_column(const Column& column, const std::vector<std::string>& names) const;

  std::string path_;
  TableOptions options_;
  std::vector<WantedColumn> wanted_;
  LineReader lines_;
  int64_t line_ = 0;
  int64_t num_repaired_ = 0;
  std::vector<std::optional<size_t>> places_;  // of each wanted column
  std::string field_rule_;                     // "the header has 4"
  std::deque<TableRow> ready_;
};

}  // namespace linformer
