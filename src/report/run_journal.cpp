#include "linformer/report/run_journal.h"

#include <array>
#include <ctime>
#include <utility>

#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/recent_warnings.h"

namespace linformer {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string RunJournal::path_in(const std::string& folder) {
  return folder + "/journal.jsonl";
}

RunJournal::RunJournal(const std::string& folder) : lines_(path_in(folder)) {}

void RunJournal::write(const std::string& event, const LogRecord& values) {
  if (broken_) return;
  LogRecord record{{"time", utc_now()}, {"event", event}};
  record.insert(record.end(), values.begin(), values.end());
  try {
    lines_.write(record);
  } catch (const RunError& error) {
    broken_ = true;
    log_warning(std::string("the journal of the run ends here: ") + error.what());
  }
}

void RunJournal::write_warnings(int64_t step) {
  for (const std::string& text : take_recent_warnings()) {
    write("warning", {{"step", step}, {"text", text}});
  }
}

}  // namespace linformer
