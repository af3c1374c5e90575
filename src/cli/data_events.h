#pragma once

#include <optional>
#include <string>

namespace linformer {

/// Prints the events of a run's log.jsonl (steps skipped, passed over, rolled back): a line each,
/// or as they are in the log.
void print_events(const std::string& run_folder, bool as_json);

/// What the log says of a step that was not taken as usual; "" if nothing, or if there is no log.
std::string event_of_step(const std::string& run_folder, int64_t step);

}  // namespace linformer
