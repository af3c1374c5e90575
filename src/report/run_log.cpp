#include "linformer/report/run_log.h"

namespace linformer {

RunLog::RunLog(const std::string& folder, TensorBoard tensorboard) : lines_(folder + "/log.jsonl") {
  if (tensorboard == TensorBoard::kOn) events_.emplace(folder);
}

void RunLog::write(const LogRecord& record) {
  lines_.write(record);
  if (events_) events_->write(record);
}

void RunLog::go_back(int64_t step) {
  if (events_) events_->start_session(step + 1);
}

int64_t RunLog::start_session(int64_t step, int64_t log_bytes, const std::string& configuration) {
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
  }
  return *dropped;
}

}  // namespace linformer
