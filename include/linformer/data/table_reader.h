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
  kCsv,        ///< RFC 4180: "..." may hold commas, line ends and doubled quotation marks
  kJsonLines,  ///< one object per line
};

/// The format by a file's name without .zst and .gz: .csv, .jsonl (.json, .ndjson), else TSV.
TableFormat table_format_of(const std::string& path);

/// A column, given by its name in the header (in JSON lines, the key) or by its index from 0.
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
  /// TSV: a field written as in CSV, "..." with inner quotation marks doubled, loses its quotation
  /// marks after the split at tabs (as QQP needs). In other files a field may begin with a
  /// quotation mark that is text.
  bool undo_quotes = false;
  /// Allowed numbers of fields of rows without a header; empty = that of the first row.
  std::vector<int64_t> num_fields = {};
};

/// A column to read. A file may lack a column that is not required.
struct WantedColumn {
  Column column;
  bool required = true;
};

struct TableRow {
  int64_t line = 0;                 ///< line where the row begins, from 1
  std::vector<std::string> fields;  ///< the wanted columns in their order; "" if absent
  std::string problem;              ///< why the row cannot be read; "" = it can, and has fields
};

/// The rows of a table, compressed (.zst, .gz) or plain, one after the other. Lines end at LF or CR
/// LF, in files of old Macs at CR (newline_of()). Nothing else ends a line: U+0085 and U+2028 stay
/// in the text. A byte-order mark is dropped; empty lines at the end of the file are ignored.
class TableReader {
 public:
  /// Throws UsageError if the file is missing or lacks a required column, and RunError if it is
  /// empty; the message names the columns that the file has.
  TableReader(std::string path, TableOptions options, std::vector<WantedColumn> wanted);

  /// The next row, or nothing at the end. A row that has a wrong number of fields, or is not a JSON
  /// object, has its problem set. Throws RunError if no row can follow: a quoted field without end,
  /// a NUL byte, a damaged stream.
  std::optional<TableRow> next();

  /// Whether the file has the i-th wanted column.
  bool has(size_t i) const { return places_[i].has_value(); }
  const std::string& path() const { return path_; }
  /// Malformed places in rows of JSON that became U+FFFD (append_repaired_json()). Fields of other
  /// tables are returned unchanged.
  int64_t num_repaired() const { return num_repaired_; }
  /// Stored bytes that were read so far (ByteSource::consumed_bytes()).
  uint64_t consumed_bytes() const { return lines_.consumed_bytes(); }
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
  std::vector<std::optional<size_t>> places_;  // index in the file of each wanted column
  std::string field_rule_;                     // "the header has 4"
  std::deque<TableRow> ready_;
};

}  // namespace linformer
