#include "linformer/data/table_reader.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/text/byte_source.h"
#include "linformer/text/json_repair.h"

namespace linformer {

namespace {

constexpr size_t kMaxLineBytes = size_t{256} << 20;

std::vector<std::string> split_at_tabs(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const size_t tab = line.find('\t');
    fields.emplace_back(line.substr(0, tab));
    if (tab == line.npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

/// `"He said ""no"""` -> `He said "no"`. A field that is not written this way as a whole stays as
/// it is.
void undo_quotes(std::string& field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return;
  std::string text;
  for (size_t i = 1; i + 1 < field.size(); ++i) {
    if (field[i] == '"') {
      ++i;
      if (i + 1 >= field.size() || field[i] != '"') return;
    }
    text += field[i];
  }
  field = std::move(text);
}

/// Tracks the quotation marks of a CSV record line by line.
struct QuoteState {
  bool inside = false;  ///< the record so far ends within a quoted field

  void read(std::string_view line) {
    bool field_start = !inside;
    for (size_t i = 0; i < line.size(); ++i) {
      if (inside) {
        if (line[i] != '"') continue;
        if (i + 1 < line.size() && line[i + 1] == '"') {
          ++i;
        } else {
          inside = false;
        }
      } else {
        inside = line[i] == '"' && field_start;
        field_start = line[i] == ',';
      }
    }
  }
};

std::string checked_input(std::string path) {
  check_input(path);
  return path;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == line.npos;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
  return list;
}

// A double holds every whole number up to this one, so 1e3, 1000.0 and 1000 give the same text.
constexpr double kExactlyWhole = 0x1p53;

/// The text of a JSON value, or a problem. A number gives the same text however it is written: 1
/// and 1.0 are the same label.
std::string text_of(const nlohmann::json& value, const std::string& key, std::string& problem) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (std::floor(number) == number && std::abs(number) <= kExactlyWhole) {
      return std::to_string(static_cast<int64_t>(number));
    }
  }
  if (value.is_number() || value.is_boolean()) return value.dump();
  problem = "\"" + key + "\" is " + value.type_name() + ", neither text nor a number";
  return "";
}

/// If a column is not required, null means that it is absent, as other programs write it.
bool has_value(const nlohmann::json& object, const WantedColumn& wanted) {
  const auto found = object.find(wanted.column.name);
  return found != object.end() && (wanted.required || !found->is_null());
}

}  // namespace

TableFormat table_format_of(const std::string& path) {
  const std::string name = name_without_compression(path);
  if (name.ends_with(".csv")) return TableFormat::kCsv;
  for (const std::string_view ending : {".jsonl", ".json", ".ndjson"}) {
    if (name.ends_with(ending)) return TableFormat::kJsonLines;
  }
  return TableFormat::kTsv;
}

TableReader::TableReader(std::string path, TableOptions options, std::vector<WantedColumn> wanted)
    : path_(checked_input(std::move(path))),
      options_(std::move(options)),
      wanted_(std::move(wanted)),
      lines_(path_, kMaxLineBytes,
             options_.format == TableFormat::kCsv ? Quoting::kCsv : Quoting::kNone) {
  if (options_.format == TableFormat::kJsonLines) {
    read_first_json();
  } else {
    read_header();
  }
}

std::string TableReader::where(int64_t line) const {
  return input_name(path_) + ":" + std::to_string(line);
}

std::optional<std::string_view> TableReader::next_line() {
  const std::optional<std::string_view> line = lines_.next();
  if (!line) return std::nullopt;
  ++line_;
  if (!lines_.ended()) {
    fail_run(where(line_), "a line of more than " + format_bytes(double{kMaxLineBytes}),
             "is it a table at all? Look at it with: head -c 300 " + path_);
  }
  return line;
}

void TableReader::read_header() {
  if (options_.header) {
    std::optional<TableRow> header = next_delimited();
    if (!header) fail_run(input_name(path_), "the file is empty", "write a header and rows");
    if (!header->problem.empty()) {
      fail_run(where(header->line), "the header: " + header->problem, "correct the first line");
    }
    const auto count = static_cast<int64_t>(header->fields.size());
    options_.num_fields = {count};
    field_rule_ = "the header has " + std::to_string(count);
    ready_.clear();  // drops empty lines before the header
    resolve(header->fields);
    return;
  }
  // The first row alone tells the columns; it is still returned as the first row.
  std::optional<TableRow> first = next_delimited();
  if (!first) fail_run(input_name(path_), "the file is empty", "leave it out");
  const auto count = static_cast<int64_t>(first->fields.size());
  if (options_.num_fields.empty()) {
    options_.num_fields = {count};
    field_rule_ = "line 1 has " + std::to_string(count);
  } else {
    field_rule_ = "rows of this file have " + std::to_string(options_.num_fields.front());
    for (size_t i = 1; i < options_.num_fields.size(); ++i)
      field_rule_ += " or " + std::to_string(options_.num_fields[i]);
  }
  const int64_t narrowest =
      *std::min_element(options_.num_fields.begin(), options_.num_fields.end());
  std::vector<std::string> names;
  for (int64_t i = 0; i < narrowest; ++i) names.push_back(std::to_string(i));
  resolve(names);
  ready_.push_back(first->problem.empty() ? select(first->line, std::move(first->fields))
                                          : std::move(*first));
}

std::string TableReader::repaired_json(std::string_view line) {
  std::string repaired;
  num_repaired_ += static_cast<int64_t>(append_repaired_json(line, repaired));
  return repaired;
}

void TableReader::read_first_json() {
  std::optional<std::string_view> line = next_line();
  while (line && is_blank(*line)) line = next_line();
  if (!line) fail_run(input_name(path_), "the file is empty", "write a JSON object a line");
  const auto [object, problem] = parse_json<nlohmann::json>(repaired_json(*line));
  if (!object.is_object()) {
    fail_run(where(line_), problem.empty() ? "not a JSON object" : problem,
             "write one object a line, such as {\"text\": \"...\", \"label\": \"...\"}");
  }
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items()) names.push_back(key);
  for (const WantedColumn& wanted : wanted_) {
    if (wanted.column.name.empty()) {
      fail_usage(input_name(path_),
                 "JSON lines have no column number " + std::to_string(wanted.column.index),
                 "name the key");
    }
  }
  resolve(names);
  TableRow row{line_, {}, ""};
  for (size_t i = 0; i < wanted_.size(); ++i) {
    const std::string& key = wanted_[i].column.name;
    if (!has_value(object, wanted_[i])) places_[i].reset();
    row.fields.push_back(places_[i] ? text_of(object[key], key, row.problem) : "");
  }
  ready_.push_front(std::move(row));
}

void TableReader::resolve(const std::vector<std::string>& names) {
  for (const WantedColumn& wanted : wanted_) {
    const Column& column = wanted.column;
    std::optional<size_t> place;
    if (column.name.empty()) {
      if (column.index >= 0 && column.index < static_cast<int64_t>(names.size()))
        place = static_cast<size_t>(column.index);
    } else if (options_.header || options_.format == TableFormat::kJsonLines) {
      const auto found = std::find(names.begin(), names.end(), column.name);
      if (found != names.end()) {
        place = static_cast<size_t>(found - names.begin());
        if (std::count(names.begin(), names.end(), column.name) > 1) {
          fail_run(input_name(path_), "has two columns '" + column.name + "'", "rename one");
        }
      }
    }
    if (!place && wanted.required) fail_column(column, names);
    places_.push_back(place);
  }
}

void TableReader::fail_column(const Column& column, const std::vector<std::string>& names) const {
  if (column.name.empty()) {
    fail_usage(input_name(path_),
               "no column number " + std::to_string(column.index) + "; it has " +
                   std::to_string(names.size()) + ", numbered from 0",
               "is it the right file, and are its fields separated by tabs (commas in .csv)?");
  }
  if (!options_.header && options_.format != TableFormat::kJsonLines) {
    fail_usage(input_name(path_), "no column '" + column.name + "', since it has no header",
               "give the number of the column, from 0");
  }
  const std::string near = nearest_name(column.name, names);
  fail_usage(input_name(path_),
             "no column '" + column.name + "'; its columns are " + list_of(names),
             near.empty() ? "name one of these, or say that the file has no header"
                          : "did you mean '" + near + "'?");
}

std::optional<TableRow> TableReader::next() {
  if (!ready_.empty()) {
    TableRow row = std::move(ready_.front());
    ready_.pop_front();
    return row;
  }
  if (options_.format == TableFormat::kJsonLines) return next_json();
  std::optional<TableRow> row = next_delimited();
  if (!row) return std::nullopt;
  TableRow result = row->problem.empty() ? select(row->line, std::move(row->fields)) : *row;
  if (ready_.empty()) return result;
  ready_.push_back(std::move(result));  // after the empty lines that precede it
  result = std::move(ready_.front());
  ready_.pop_front();
  return result;
}

/// The next line or CSV record with all its fields; empty lines before it go to `ready_`.
std::optional<TableRow> TableReader::next_delimited() {
  std::vector<int64_t> empty_lines;
  std::optional<std::string_view> line = next_line();
  for (; line && line->empty(); line = next_line()) empty_lines.push_back(line_);
  if (!line) return std::nullopt;
  for (const int64_t number : empty_lines) ready_.push_back({number, {}, "an empty line"});
  TableRow row{line_, {}, ""};
  if (options_.format == TableFormat::kCsv) {
    row.fields = split_csv(std::string(*line), row.problem);
    return row;
  }
  row.fields = split_at_tabs(*line);
  if (options_.undo_quotes) {
    for (std::string& field : row.fields) undo_quotes(field);
  }
  return row;
}

std::vector<std::string> TableReader::split_csv(std::string record, std::string& problem) {
  const int64_t start = line_;
  QuoteState quotes;
  quotes.read(record);
  while (quotes.inside) {
    const char line_end = lines_.end_character();
    const std::optional<std::string_view> more = next_line();
    if (!more) {
      fail_run(where(start), "a quoted field begins here and never ends",
               "close it with \", or name the file .tsv if quotation marks are text");
    }
    quotes.read(*more);
    record.append(1, line_end).append(*more);
  }
  std::vector<std::string> fields;
  size_t i = 0;
  while (true) {
    std::string field;
    if (i < record.size() && record[i] == '"') {
      for (++i; i < record.size(); ++i) {
        if (record[i] == '"' && (i + 1 >= record.size() || record[i + 1] != '"')) break;
        if (record[i] == '"') ++i;
        field += record[i];
      }
      ++i;
      if (i < record.size() && record[i] != ',')
        problem =
            "text after the closing quotation mark of field " + std::to_string(fields.size() + 1);
    }
    while (i < record.size() && record[i] != ',') field += record[i++];
    fields.push_back(std::move(field));
    if (i >= record.size()) return fields;
    ++i;
  }
}

TableRow TableReader::select(int64_t line, std::vector<std::string>&& fields) {
  TableRow row{line, {}, ""};
  const auto count = static_cast<int64_t>(fields.size());
  if (std::find(options_.num_fields.begin(), options_.num_fields.end(), count) ==
      options_.num_fields.end()) {
    row.problem =
        "has " + std::to_string(count) + (count == 1 ? " field, " : " fields, ") + field_rule_;
    return row;
  }
  // Copied, since two wanted columns may be the same column of the file.
  for (const std::optional<size_t>& place : places_)
    row.fields.push_back(place ? fields[*place] : "");
  return row;
}

std::optional<TableRow> TableReader::next_json() {
  std::optional<std::string_view> line = next_line();
  while (line && is_blank(*line)) line = next_line();
  if (!line) return std::nullopt;
  TableRow row{line_, {}, ""};
  const auto [object, problem] = parse_json<nlohmann::json>(repaired_json(*line));
  if (!object.is_object()) {
    row.problem = problem.empty() ? "not a JSON object" : problem;
    return row;
  }
  for (size_t i = 0; i < wanted_.size(); ++i) {
    const std::string& key = wanted_[i].column.name;
    const bool present = has_value(object, wanted_[i]);
    if (present != places_[i].has_value()) {
      row.problem = std::string(present                ? "has"
                                : object.contains(key) ? "has null under"
                                                       : "lacks") +
                    " the key \"" + key + "\", unlike the first row";
      return row;
    }
    row.fields.push_back(present ? text_of(object[key], key, row.problem) : "");
  }
  return row;
}

}  // namespace linformer
