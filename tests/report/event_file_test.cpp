#include "linformer/report/event_file.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/test_files.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

// A reader of its own: checksums bit by bit, messages by walking over the wire format.

uint32_t bitwise_crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
  }
  return ~crc;
}

uint32_t masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <class T>
T read_as(std::string_view bytes) {
  T value;
  if (bytes.size() < sizeof(T)) throw std::runtime_error("cut off");
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  for (std::string_view rest = file; !rest.empty();) {
    const auto size = read_as<uint64_t>(rest);
    EXPECT_EQ(read_as<uint32_t>(rest.substr(8)), masked(bitwise_crc32c(rest.substr(0, 8))));
    const std::string_view bytes = rest.substr(12, size);
    EXPECT_EQ(read_as<uint32_t>(rest.substr(12 + size)), masked(bitwise_crc32c(bytes)));
    records.emplace_back(bytes);
    rest.remove_prefix(16 + size);
  }
  return records;
}

/// The fields of a message by number, as raw bytes (numbers as 8 bytes).
std::multimap<uint64_t, std::string> fields_of_message(std::string_view rest) {
  std::multimap<uint64_t, std::string> fields;
  const auto varint = [&rest] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.at(0));
      rest.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (!rest.empty()) {
    const uint64_t key = varint();
    std::string bytes;
    size_t size = 0;
    switch (key & 7) {
      case 0: {
        const uint64_t value = varint();
        bytes.assign(reinterpret_cast<const char*>(&value), 8);
        break;
      }
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      default:
        throw std::runtime_error("unknown wire type");
    }
    if (size > 0) bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    fields.emplace(key >> 3, bytes);
  }
  return fields;
}

/// "STEP TAG VALUE", "STEP TAG 'TEXT'", "STEP start" or "version VERSION" for each thing said.
std::vector<std::string> content_of(const std::string& path) {
  std::vector<std::string> content;
  for (const std::string& record : records_of(read_bytes(path))) {
    const auto event = fields_of_message(record);
    EXPECT_GT(read_as<double>(event.find(1)->second), 1.6e9);  // seconds since 1970
    if (event.contains(3)) content.push_back("version " + event.find(3)->second);
    const std::string step =
        event.contains(2) ? std::to_string(read_as<int64_t>(event.find(2)->second)) : "";
    if (event.contains(7)) {
      const auto status = fields_of_message(event.find(7)->second);
      EXPECT_EQ(read_as<int64_t>(status.find(1)->second), 1);
      content.push_back(step + " start");
    }
    if (!event.contains(5)) continue;
    const auto summary = fields_of_message(event.find(5)->second);
    for (const auto& [field, bytes] : summary) {
      EXPECT_EQ(field, 1u);
      const auto value = fields_of_message(bytes);
      const std::string tag = value.find(1)->second;
      if (value.contains(2)) {
        content.push_back(step + " " + tag + " " +
                          nlohmann::json(read_as<float>(value.find(2)->second)).dump());
      } else {
        const auto tensor = fields_of_message(value.find(8)->second);
        EXPECT_EQ(read_as<int64_t>(tensor.find(1)->second), 7);  // DT_STRING
        content.push_back(step + " " + tag + " '" + tensor.find(8)->second + "'");
      }
    }
  }
  return content;
}

TEST(EventFile, FramesRecordsAsTensorFlowDoes) {
  // What tensorboard.summary.writer.record_writer.RecordWriter writes for b"abc": length 3, masked
  // CRC-32C of these 8 bytes, the bytes, their masked CRC-32C.
  using namespace std::string_literals;
  EXPECT_EQ(tf_record("abc"), "\x03\0\0\0\0\0\0\0\xb0\x99\x49\x0e"s + "abc" + "\x6e\x57\xf1\x21"s);
  EXPECT_EQ(records_of(tf_record("abc")), std::vector<std::string>{"abc"});
}

TEST(EventFile, SaysWhatTheLogSays) {
  const TemporaryFolder folder;
  EventFile events(folder.path());
  EXPECT_EQ(events.path(), "");
  events.start_session(1);
  events.write_text("configuration", "a: 1\n", 1);
  events.write({{"step", 10}, {"loss", 0.5}, {"tokens", 4096}, {"skipped", true}});
  events.write({{"step", 10}, {"tokens", 4096}, {"valid_loss", 0.25}, {"gradients/norm", 2.0}});
  events.write({{"step", int64_t{1} << 40}, {"loss", -1.0}, {"note", "odd"}});
  EXPECT_THAT(
      content_of(events.path()),
      ::testing::ElementsAre("version brain.Event:2", "1 start", "1 configuration 'a: 1\n'",
                             "10 train/loss 0.5", "10 train/tokens 4096.0", "10 train/skipped 1.0",
                             "10 valid/loss 0.25", "10 gradients/norm 2.0",
                             "1099511627776 train/loss -1.0", "1099511627776 train/note 'odd'"));
}

/// The hparams of a record, as "KEY NUMBER", "KEY 'TEXT'" or "KEY true".
std::vector<std::string> hparams_of_record(const std::string& record) {
  const auto event = fields_of_message(record);
  const auto value = fields_of_message(fields_of_message(event.find(5)->second).find(1)->second);
  EXPECT_EQ(value.find(1)->second, "_hparams_/session_start_info");
  const auto metadata = fields_of_message(value.find(9)->second);
  const auto plugin = fields_of_message(metadata.find(1)->second);
  EXPECT_EQ(plugin.find(1)->second, "hparams");
  const auto session = fields_of_message(fields_of_message(plugin.find(2)->second).find(3)->second);
  EXPECT_GT(read_as<double>(session.find(5)->second), 1.6e9);
  std::vector<std::string> found;
  for (auto [entry, end] = session.equal_range(1); entry != end; ++entry) {
    const auto pair = fields_of_message(entry->second);
    const auto setting = fields_of_message(pair.find(2)->second);
    std::string text = pair.find(1)->second + " ";
    if (setting.contains(2)) {
      text += nlohmann::json(read_as<double>(setting.find(2)->second)).dump();
    } else if (setting.contains(3)) {
      text += "'" + setting.find(3)->second + "'";
    } else {
      text += read_as<int64_t>(setting.find(4)->second) == 1 ? "true" : "false";
    }
    found.push_back(text);
  }
  return found;
}

TEST(EventFile, HasSettingsForTheTableOfRuns) {
  const TemporaryFolder folder;
  EventFile events(folder.path());
  events.write_hparams(
      {{"model.hidden_size", 128.0}, {"attention", "linformer"}, {"tie", true}, {"seed", 3}});
  const std::vector<std::string> records = records_of(read_bytes(events.path()));
  ASSERT_EQ(records.size(), 2u);  // after the version
  EXPECT_THAT(hparams_of_record(records[1]),
              ::testing::ElementsAre("model.hidden_size 128.0", "attention 'linformer'", "tie true",
                                     "seed 3.0"));
}

TEST(EventFile, LaterSessionsHaveLaterNames) {
  const TemporaryFolder folder;
  // As if the clock had been set back by years.
  write_bytes(folder.file("events.out.tfevents.4000000000.host.1.0"), "");
  EventFile events(folder.path());
  events.write({{"step", 1}, {"loss", 1.0}});
  EXPECT_TRUE(
      fs::path(events.path()).filename().string().starts_with("events.out.tfevents.4000000001."));
  EventFile next(folder.path());
  next.write({{"step", 1}, {"loss", 1.0}});
  EXPECT_GT(next.path(), events.path());
}

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  char piece[4096];
  while (const size_t count = std::fread(piece, 1, sizeof(piece), pipe))
    output.append(piece, count);
  return ::pclose(pipe) == 0 ? output : "";
}

/// What TensorBoard itself reads from a folder: {tag: [[step, value], ...]}.
constexpr const char* kReader = R"(
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
events.Reload()
found = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
for tag in events.Tags()["tensors"]:
    if tag.startswith("_hparams_"): continue
    found[tag] = [[e.step, e.tensor_proto.string_val[0].decode()] for e in events.Tensors(tag)]
    assert events.SummaryMetadata(tag).plugin_data.plugin_name == "text"
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
content = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
session = metadata.parse_session_start_info_plugin_data(content)
found["hparams"] = {name: value.number_value for name, value in session.hparams.items()}
print(json.dumps(found))
)";

TEST(EventFile, TensorBoardReadsItAndForgetsTheStepsOfAnEarlierSession) {
  const char* given = std::getenv("LINFORMER_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  if (output_of(python + " -c 'import tensorboard; print(1)' 2>/dev/null").empty()) {
    GTEST_SKIP() << "no Python with tensorboard (set LINFORMER_PYTHON)";
  }
  const TemporaryFolder folder;
  const std::string runs = folder.file("run");
  fs::create_directories(runs);
  EventFile first(runs);
  first.start_session(1);
  first.write_text("configuration", "    a: 1", 1);
  first.write_hparams({{"model.hidden_size", 128}});
  for (int step = 1; step <= 4; ++step) first.write({{"step", step}, {"loss", 1.0 / step}});
  // Stopped after step 4, resumed from a checkpoint of step 2.
  EventFile second(runs);
  second.start_session(3);
  for (int step = 3; step <= 5; ++step) second.write({{"step", step}, {"loss", 10.0 + step}});
  const std::string script = write_bytes(folder.file("read.py"), kReader);
  const std::string read = output_of(python + " " + script + " " + runs);
  ASSERT_FALSE(read.empty());
  const auto expected = nlohmann::json::parse(R"({
      "train/loss": [[1, 1.0], [2, 0.5], [3, 13.0], [4, 14.0], [5, 15.0]],
      "configuration": [[1, "    a: 1"]], "hparams": {"model.hidden_size": 128.0}})");
  EXPECT_EQ(nlohmann::json::parse(read), expected) << read;
}

}  // namespace
}  // namespace linformer
