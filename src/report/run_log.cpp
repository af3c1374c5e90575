#include "linformer/report/run_log.h"

#include <charconv>
#include <string>
#include <system_error>

namespace linformer {

namespace {

/// Numbers and truth values as such, so that TensorBoard can sort and filter by them.
LogValue value_of(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

LogRecord hparams_of(const Settings& settings) {
  LogRecord record;
  for (const auto& [key, value] : settings) record.emplace_back(key, value_of(value));
  return record;
}

}  // namespace

RunLog::RunLog(const std::string& folder, TensorBoard tensorboard) : lines_(folder + "/log.jsonl") {
  if (tensorboard == TensorBoard::kOn) events_.emplace(folder);
}

void RunLog::write(const LogRecord& record, const LogRecord& constants) {
  LogRecord line = record;
  line.insert(line.end(), constants.begin(), constants.end());
  lines_.write(line);
  if (!events_) return;
  events_->write(record);
  if (constants.empty() || constants_written_) return;
  constants_written_ = true;
  std::string text;
  for (const auto& [name, value] : constants) {
    text += "    " + to_json_line({{name, value}}) + "\n";  // a code block in Markdown
  }
  events_->write_text("constants", text, whole_in(record, "step"));
}

void RunLog::go_back(int64_t step) {
  if (events_) events_->start_session(step + 1);
}

int64_t RunLog::start_session(int64_t step, int64_t log_bytes, const std::string& configuration,
                              const Settings& settings) {
  std::optional<int64_t> dropped = lines_.drop_behind(log_bytes);
  if (!dropped) dropped = lines_.drop_after(step);
  if (events_) {
    events_->start_session(step + 1);
    // Four blanks before each line make it a code block in Markdown.
    std::string text = "    ";
    for (const char letter : configuration) {
      text += letter;
      if (letter == '\n') text += "    ";
    }
    events_->write_text("configuration", text, step + 1);
    if (step == 0 && !settings.empty()) events_->write_hparams(hparams_of(settings));
  }
  return *dropped;
}

}  // namespace linformer
