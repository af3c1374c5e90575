#pragma once

#include <optional>
#include <string>

namespace linformer {

/// Prints the events of a run's log.jsonl (steps skipped, passed over, rolled back), a line each or
/// as the JSON of the log.
void print_events(const std::string& run_folder, bool as_json);

/// The log's event for a step that was not executed normally; "" if there is none, or no log.
std::string event_of_step(const std::string& run_folder, int64_t step);

}  // namespace linformer
