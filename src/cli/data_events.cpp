// Problems of a run, from its log.
#include "data_events.h"

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <vector>

#include <nlohmann/json.hpp>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/missing_path.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> events_of(const std::string& path) {
  std::vector<Json> events;
  std::istringstream log(read_text_file(path));
  for (std::string line; std::getline(log, line);) {
    Json json = parse_json<Json>(line).value;
    if (json.is_object() && json.contains("event")) events.push_back(std::move(json));
  }
  return events;
}

int64_t number_in(const Json& event, const char* key, int64_t otherwise = 0) {
  const auto found = event.find(key);
  return found == event.end() ? otherwise : whole_number_of(*found).value_or(otherwise);
}

std::string text_in(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string describe(const Json& event) {
  const std::string kind = text_in(event, "event");
  const auto count = [&](const char* key) { return format_count(number_in(event, key)); };
  if (kind == "skipped") {
    return "skipped: " + text_in(event, "reason") + "; sequences " + text_in(event, "sequences");
  }
  if (kind == "rolled_back") {
    return "rolled back to here from step " + count("from_step") + "; steps " +
           count("pass_over_first") + " to " + count("pass_over_last") + " are passed over";
  }
  return kind == "passed_over" ? "passed over after a rollback" : kind;
}

}  // namespace

void print_events(const std::string& run_folder, bool as_json) {
  const std::string path = run_folder + "/log.jsonl";
  if (!std::filesystem::exists(path)) {
    fail_missing(path, "there is no log", "give the configuration of a run that has begun");
  }
  const std::vector<Json> events = events_of(path);
  for (const Json& event : events) {
    if (as_json) {
      std::printf("%s\n", json_text(event).c_str());
    } else {
      std::printf("step %s %s\n", format_count(number_in(event, "step")).c_str(),
                  describe(event).c_str());
    }
  }
  if (events.empty() && !as_json) std::printf("%s: every step was taken\n", path.c_str());
}

std::string event_of_step(const std::string& run_folder, int64_t step) {
  const std::string path = run_folder + "/log.jsonl";
  if (run_folder.empty() || !std::filesystem::exists(path)) return "";
  std::string text;
  for (const Json& event : events_of(path)) {
    if (number_in(event, "step", -1) != step) continue;
    text += (text.empty() ? "" : "\n") + describe(event);
  }
  return text;
}

}  // namespace linformer
