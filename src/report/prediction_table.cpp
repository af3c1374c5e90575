#include "linformer/report/prediction_table.h"

#include <algorithm>
#include <charconv>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

constexpr size_t kFixedColumns = 4;  // before the probabilities

std::string as_field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = line.find(separator, begin);
    parts.push_back(line.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace

std::string PredictionTable::text() const {
  std::string text = "line\tid\tlabel\tprediction";
  for (const std::string& label : labels) text += "\tp(" + as_field(label) + ")";
  text += "\n";
  for (const Row& row : rows) {
    text += std::to_string(row.line) + "\t" + as_field(row.id) + "\t" + as_field(row.label) + "\t" +
            as_field(row.prediction);
    for (const double p : row.probabilities) text += "\t" + format_fixed(p, 6);
    text += "\n";
  }
  return text;
}

PredictionTable PredictionTable::read(const std::string& path) {
  const auto refuse = [&](size_t line, const std::string& what) {
    fail_run(path + ":" + std::to_string(line), what,
             "it is not a table of predictions; delete the run, and the same command repeats it");
  };
  PredictionTable table;
  const std::string content = read_text_file(path);
  const std::vector<std::string> lines = split(content, '\n');
  const std::vector<std::string> header = split(lines.front(), '\t');
  if (header.size() < kFixedColumns || header[3] != "prediction") refuse(1, "has another header");
  for (size_t i = kFixedColumns; i < header.size(); ++i) {
    if (header[i].size() < 3) refuse(1, "has another header");
    table.labels.push_back(header[i].substr(2, header[i].size() - 3));
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty() && i + 1 == lines.size()) break;
    std::vector<std::string> fields = split(lines[i], '\t');
    if (fields.size() != header.size()) refuse(i + 1, "has another number of fields");
    int64_t number = 0;
    const char* const end = fields[0].data() + fields[0].size();
    const auto [stop, error] = std::from_chars(fields[0].data(), end, number);
    if (error != std::errc() || stop != end) refuse(i + 1, "begins with no line number");
    table.rows.push_back({number, fields[1], fields[2], fields[3], {}});
  }
  return table;
}

std::vector<double> PredictionTable::predictions() const {
  std::vector<double> values;
  for (const Row& row : rows) values.push_back(value_of(row.prediction));
  return values;
}

std::vector<double> PredictionTable::targets() const {
  std::vector<double> values;
  for (const Row& row : rows) {
    if (!row.label.empty()) values.push_back(value_of(row.label));
  }
  return values.size() == rows.size() ? values : std::vector<double>{};
}

double PredictionTable::value_of(const std::string& field) const {
  const auto found = std::find(labels.begin(), labels.end(), field);
  if (found != labels.end()) return static_cast<double>(found - labels.begin());
  double value = 0.0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (!labels.empty() || error != std::errc() || end != field.data() + field.size()) {
    fail_run("predictions", "'" + field + "' is not a " + (labels.empty() ? "number" : "label"),
             "delete the run, and the same command repeats it");
  }
  return value;
}

}  // namespace linformer
