#include "linformer/experiments/run_record.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>
#include <torch/csrc/api/include/torch/version.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/machine.h"
#include "linformer/metrics/statistics.h"
#include "linformer/report/task_result.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A file with JSON, and what to do if it is broken.
struct Source {
  std::string path;
  std::string kind;  ///< "record of a run"
  std::string fix;
};

Source record_file(const std::string& path) {
  return {path, "record of a run",
          "delete it, and run the same command again; the run is then done again"};
}
Source earlier_report(const std::string& path) {
  return {path, "data of a report",
          "name a report.json that linformer-report wrote; this file stays as it is"};
}
Source output_of(const std::string& path) {
  return {path, "result", "its program has to write one JSON object and nothing else (--json)"};
}

[[noreturn]] void fail_source(const Source& source, const std::string& what) {
  fail_run(source.path, "is no " + source.kind + ": " + what, source.fix);
}

Json parse(const std::string& text, const Source& source) {
  if (text.find_first_not_of(" \n\r\t") == std::string::npos) fail_source(source, "it is empty");
  ParsedJson<Json> parsed = parse_json<Json>(text);
  if (!parsed.problem.empty()) fail_source(source, parsed.problem);
  return std::move(parsed.value);
}

std::string text_of(const Json& json, const char* key, const Source& source) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) {
    fail_source(source, std::string("it has no text \"") + key + "\"");
  }
  return found->get<std::string>();
}

int64_t whole_of(const Json& json, const char* key, const Source& source) {
  const auto found = json.find(key);
  const auto value = found == json.end() ? std::nullopt : whole_number_of(*found);
  if (!value) fail_source(source, std::string("it has no whole number \"") + key + "\"");
  return *value;
}

std::optional<double> number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

Json json_of(const RunRecord& record) {
  return {{"id", record.id},
          {"type", record.type},
          {"hash", record.hash},
          {"seed", record.seed},
          {"commands", record.commands},
          {"machine", record.machine},
          {"version", record.version},
          {"finished", record.finished},
          {"threads", record.threads},
          {"jobs", record.jobs},
          {"seconds", record.seconds},
          {"settings", record.settings},
          {"result", parse(record.result, record_file(record.id))}};
}

RunRecord record_of(const Json& json, const Source& source) {
  if (!json.is_object()) fail_source(source, "it is no object");
  RunRecord record;
  record.id = text_of(json, "id", source);
  record.type = text_of(json, "type", source);
  record.hash = text_of(json, "hash", source);
  record.settings = text_of(json, "settings", source);
  if (to_hex(xxh3(record.settings)) != record.hash) {
    fail_source(source, "the hash of " + record.id + " is not that of its settings");
  }
  record.seed = whole_of(json, "seed", source);
  record.machine = text_of(json, "machine", source);
  record.version = text_of(json, "version", source);
  record.finished = text_of(json, "finished", source);
  record.threads = whole_of(json, "threads", source);
  record.jobs = whole_of(json, "jobs", source);
  record.seconds = number_of(json, "seconds").value_or(0.0);
  const auto commands = json.find("commands");
  if (commands == json.end() || !commands->is_array()) fail_source(source, "it has no commands");
  for (const Json& command : *commands) {
    if (!command.is_string()) fail_source(source, "a command is no text");
    record.commands.push_back(command.get<std::string>());
  }
  const auto result = json.find("result");
  if (result == json.end() || !result->is_object()) fail_source(source, "it has no result");
  record.result = json_text(*result);
  return record;
}

/// The curve and the last values from a run's log.
Json pretraining_result(const PlannedRun& run) {
  const std::string path = run.folder + "/log.jsonl";
  const Source source = output_of(path);
  std::istringstream lines(read_text_file(path));
  Json curve = Json::array();
  std::vector<double> speeds;
  Json result;
  for (std::string line; std::getline(lines, line);) {
    const Json entry = parse(line, source);
    if (!entry.is_object()) continue;
    if (const auto speed = number_of(entry, "tokens_per_second")) speeds.push_back(*speed);
    if (!entry.contains("valid_perplexity")) continue;
    // The log has null for a run that diverged. An earlier value is not its last one.
    const auto number = number_of(entry, "valid_perplexity");
    const Json perplexity = number ? Json(*number) : Json();
    curve.push_back({{"step", whole_of(entry, "step", source)},
                     {"tokens", whole_of(entry, "tokens", source)},
                     {"seconds", number_of(entry, "elapsed_seconds").value_or(0.0)},
                     {"perplexity", perplexity}});
    result = {{"perplexity", perplexity},
              {"unigram_perplexity", number_of(entry, "unigram_perplexity").value_or(0.0)},
              {"bits_per_byte", number_of(entry, "valid_bits_per_byte").value_or(0.0)},
              {"masked_tokens", whole_of(entry, "valid_masked_tokens", source)}};
  }
  if (curve.empty()) fail_run(path, "has no held-out perplexity", "set evaluation.every lower");
  result["tokens"] = curve.back()["tokens"];
  result["seconds"] = curve.back()["seconds"];
  result["tokens_per_second"] = median_of(speeds);
  result["curve"] = std::move(curve);
  return result;
}

}  // namespace

std::string record_path(const std::string& output, const std::string& id) {
  return output + "/records/" + id + ".json";
}

std::string to_json(const RunRecord& record) {
  return json_text(json_of(record), 1) + "\n";
}

RunRecord run_record_from_json(const std::string& text, const std::string& path) {
  return record_of(parse(text, record_file(path)), record_file(path));
}

RunRecords read_records(const std::string& output) {
  RunRecords records;
  const fs::path folder = output + "/records";
  if (!fs::exists(folder)) return records;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".json") continue;
    try {
      RunRecord record =
          run_record_from_json(read_text_file(entry.path().string()), entry.path().string());
      records[record.hash] = std::move(record);
    } catch (const RunError& error) {
      log_warning(error.what());
    }
  }
  return records;
}

RunRecords read_report_records(const std::string& path) {
  const Source source = earlier_report(path);
  const Json json = parse(read_text_file(path), source);
  const auto list = json.is_object() ? json.find("records") : json.end();
  if (list == json.end() || !list->is_array()) fail_source(source, "it has no list \"records\"");
  RunRecords records;
  for (const Json& each : *list) {
    RunRecord record = record_of(each, source);
    records[record.hash] = std::move(record);
  }
  return records;
}

std::vector<std::string> merge_records(RunRecords& records, const RunRecords& more) {
  std::vector<std::string> changed;
  for (const auto& [hash, record] : more) {
    const auto [found, is_new] = records.emplace(hash, record);
    if (is_new) continue;
    // nlohmann::json ignores the order of keys.
    if (parse_json<nlohmann::json>(found->second.result).value !=
        parse_json<nlohmann::json>(record.result).value) {
      changed.push_back(record.id);
    }
    found->second = record;
  }
  return changed;
}

std::vector<CurvePoint> curve_of(const RunRecord& record) {
  std::vector<CurvePoint> points;
  const Json json = parse(record.result, record_file(record.id));
  const auto curve = json.find("curve");
  if (curve == json.end() || !curve->is_array()) return points;
  for (const Json& each : *curve) {
    if (!each.is_object()) continue;
    const auto whole = [&](const char* key) {
      const auto found = each.find(key);
      return found == each.end() ? std::nullopt : whole_number_of(*found);
    };
    const auto step = whole("step"), tokens = whole("tokens");
    if (!step || !tokens) continue;
    points.push_back({*step, *tokens, number_of(each, "seconds").value_or(0.0),
                      number_of(each, "perplexity").value_or(std::nan(""))});
  }
  return points;
}

std::optional<double> value_of(const RunRecord& record, const std::string& path) {
  const Json json = parse(record.result, record_file(record.id));
  const Json* node = &json;
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '.');) {
    if (node->is_object() && node->contains(name)) {
      node = &(*node)[name];
    } else if (node->is_array() && !name.empty() &&
               std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
               name.size() < 10 && std::stoul(name) < node->size()) {
      node = &(*node)[std::stoul(name)];
    } else {
      return std::nullopt;
    }
  }
  if (!node->is_number()) return std::nullopt;
  return node->get<double>();
}

std::string output_path(const PlannedRun& run) {
  return run.folder + "/output.json";
}

std::string collect_result(const PlannedRun& run) {
  if (run.type == RunType::kPretraining) return json_text(pretraining_result(run));
  const std::string path =
      run.type == RunType::kFinetuning ? result_path(run.folder) : output_path(run);
  const Json json = parse(read_text_file(path), output_of(path));
  if (!json.is_object()) fail_source(output_of(path), "it is no JSON object");
  return json_text(json);
}

std::string machine_description() {
  return machine_name() + ", LibTorch " + TORCH_VERSION;
}

}  // namespace linformer
