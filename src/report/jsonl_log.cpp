#include "linformer/report/jsonl_log.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "linformer/core/atomic_file.h"
#include "linformer/core/json_text.h"

namespace linformer {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct ToJson {
  OrderedJson operator()(double value) const {
    return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
  }
  template <class T>
  OrderedJson operator()(const T& value) const {
    return value;
  }
};

LogValue log_value(const OrderedJson& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (const auto whole = whole_number_of(json)) return *whole;
  if (json.is_number()) return json.get<double>();
  if (json.is_null()) return std::nan("");
  if (json.is_string()) return json.get<std::string>();
  return json_text(json);
}

bool keeps(const std::string& line, int64_t step) {
  const nlohmann::json parsed = parse_json<nlohmann::json>(line).value;
  if (!parsed.is_object()) return false;
  const auto found = parsed.find("step");
  if (found == parsed.end()) return true;
  return whole_number_of(*found).value_or(step) <= step;
}

}  // namespace

std::string to_json_line(const LogRecord& record) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [name, value] : record) json[name] = std::visit(ToJson{}, value.get());
  return json_text(json);
}

std::optional<double> number_in(const LogRecord& record, const std::string& name) {
  for (const auto& [key, value] : record) {
    if (key != name) continue;
    if (const auto* number = std::get_if<double>(&value.get())) return *number;
    if (const auto* whole = std::get_if<int64_t>(&value.get())) return static_cast<double>(*whole);
  }
  return std::nullopt;
}

std::optional<std::string> text_in(const LogRecord& record, const std::string& name) {
  for (const auto& [key, value] : record) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value.get())) return *text;
  }
  return std::nullopt;
}

int64_t whole_in(const LogRecord& record, const std::string& name) {
  const double number = number_in(record, name).value_or(0.0);
  constexpr double kLargest = 0x1p62;
  return std::abs(number) <= kLargest ? static_cast<int64_t>(number) : 0;
}

std::vector<LogRecord> read_json_lines(const std::string& path) {
  std::vector<LogRecord> records;
  if (!std::filesystem::exists(path)) return records;
  const std::string content = read_text_file(path);
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    const auto parsed =
        parse_json<OrderedJson>(std::string_view(content).substr(begin, end - begin));
    begin = end + 1;
    if (!parsed.problem.empty() || !parsed.value.is_object()) continue;
    LogRecord& record = records.emplace_back();
    for (const auto& [name, value] : parsed.value.items()) {
      record.emplace_back(name, log_value(value));
    }
  }
  return records;
}

void JsonlLog::write(const LogRecord& record) {
  append_to_file(path_, to_json_line(record) + "\n");
}

int64_t JsonlLog::size() const {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path_, error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

std::optional<int64_t> JsonlLog::drop_behind(int64_t bytes) {
  if (size() < bytes) return std::nullopt;
  if (size() == bytes) return 0;
  const std::string content = read_text_file(path_);
  const auto kept = static_cast<size_t>(bytes);
  if (kept > 0 && content[kept - 1] != '\n') return std::nullopt;  // the file was changed
  write_file_atomically(path_, std::string_view(content).substr(0, kept));
  // A last line without an end was cut off by a kill; it is counted too.
  return std::count(content.begin() + bytes, content.end(), '\n') + (content.back() != '\n');
}

int64_t JsonlLog::drop_after(int64_t step) {
  if (!std::filesystem::exists(path_)) return 0;
  const std::string content = read_text_file(path_);
  std::string kept;
  int64_t dropped = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = content.find('\n', begin);
    const bool whole = end != std::string::npos;
    const std::string line = content.substr(begin, whole ? end - begin : std::string::npos);
    if (whole && keeps(line, step)) {
      kept += line + "\n";
    } else {
      ++dropped;
    }
    begin = whole ? end + 1 : content.size();
  }
  if (dropped > 0) write_file_atomically(path_, kept);
  return dropped;
}

}  // namespace linformer
