#include "linformer/report/event_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>

#include <unistd.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"

namespace linformer {
namespace {

constexpr std::string_view kNamePrefix = "events.out.tfevents.";

template <class T>
void put_fixed(std::string& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

/// CRC-32C, rotated and shifted, so that the checksum of bytes that include a checksum differs.
uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8U;
}

/// A protocol buffer message, written field by field (protobuf.dev, "Encoding").
class Message {
 public:
  Message& number(uint32_t field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& real(uint32_t field, double value) {
    key(field, 1);
    put_fixed(bytes_, std::bit_cast<uint64_t>(value));
    return *this;
  }
  Message& real(uint32_t field, float value) {
    key(field, 5);
    put_fixed(bytes_, std::bit_cast<uint32_t>(value));
    return *this;
  }
  Message& text(uint32_t field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(uint32_t field, const Message& value) { return text(field, value.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(uint32_t field, uint32_t wire_type) { varint(field << 3 | wire_type); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// Field numbers of tensorflow/core/util/event.proto, framework/summary.proto, tensor.proto.
namespace event {
constexpr uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace session_log {
constexpr uint32_t kStatus = 1;
constexpr int64_t kStart = 1;
}  // namespace session_log
namespace summary {
constexpr uint32_t kValue = 1, kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
constexpr uint32_t kPluginData = 1, kPluginName = 1, kPluginContent = 2, kDataClass = 4;
constexpr int64_t kDataClassTensor = 2;
}  // namespace summary
// tensorboard/plugins/hparams: plugin_data.proto, api.proto; protobuf's struct.proto, map entries.
namespace hparams {
constexpr uint32_t kSessionStart = 3, kHparams = 1, kStartTime = 5;
constexpr uint32_t kMapKey = 1, kMapValue = 2;
constexpr uint32_t kNumberValue = 2, kStringValue = 3, kBoolValue = 4;
}  // namespace hparams
namespace tensor {
constexpr uint32_t kType = 1, kShape = 2, kStringValue = 8;
constexpr int64_t kString = 7;
}  // namespace tensor

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Message event_at(int64_t step) {
  return Message().real(event::kWallTime, seconds_now()).number(event::kStep, step);
}

Message scalar_value(const std::string& tag, double value) {
  return Message().text(summary::kTag, tag).real(summary::kSimpleValue, static_cast<float>(value));
}

/// The format of TensorBoard's text plugin: a tensor of one string without dimensions.
Message text_value(const std::string& tag, const std::string& text) {
  const Message plugin = Message().text(summary::kPluginName, "text");
  const Message metadata = Message()
                               .message(summary::kPluginData, plugin)
                               .number(summary::kDataClass, summary::kDataClassTensor);
  const Message value = Message()
                            .number(tensor::kType, tensor::kString)
                            .message(tensor::kShape, {})
                            .text(tensor::kStringValue, text);
  return Message()
      .text(summary::kTag, tag)
      .message(summary::kTensor, value)
      .message(summary::kMetadata, metadata);
}

/// google.protobuf.Value
Message hparam_value(const LogValue& value) {
  if (const auto* truth = std::get_if<bool>(&value.get())) {
    return Message().number(hparams::kBoolValue, *truth ? 1 : 0);
  }
  if (const auto* text = std::get_if<std::string>(&value.get())) {
    return Message().text(hparams::kStringValue, *text);
  }
  const auto* whole = std::get_if<int64_t>(&value.get());
  const double number = whole ? static_cast<double>(*whole) : std::get<double>(value.get());
  return Message().real(hparams::kNumberValue, number);
}

std::optional<double> as_number(const LogValue& value) {
  if (const auto* number = std::get_if<double>(&value.get())) return *number;
  if (const auto* whole = std::get_if<int64_t>(&value.get())) return static_cast<double>(*whole);
  if (const auto* truth = std::get_if<bool>(&value.get())) return *truth ? 1.0 : 0.0;
  return std::nullopt;
}

int64_t step_of(const LogRecord& record) {
  for (const auto& [name, value] : record) {
    if (name == "step") return static_cast<int64_t>(as_number(value).value_or(0.0));
  }
  return 0;
}

/// The largest SECONDS in the names of a folder's event files; 0 if there is none.
int64_t newest_file_seconds(const std::string& folder) {
  int64_t newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kNamePrefix)) continue;
    int64_t seconds = 0;  // stays 0 if the name holds no number, or one that does not fit
    std::from_chars(name.data() + kNamePrefix.size(), name.data() + name.size(), seconds);
    newest = std::max(newest, seconds);
  }
  return newest;
}

std::string new_path(const std::string& folder) {
  const auto clock = static_cast<int64_t>(seconds_now());
  std::string seconds = std::to_string(std::max(clock, newest_file_seconds(folder) + 1));
  // Ten digits, since readers take the files in the order of their names.
  if (seconds.size() < 10) seconds.insert(0, 10 - seconds.size(), '0');
  char host[256] = {};
  if (::gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  return folder + "/" + std::string(kNamePrefix) + seconds + "." +
         (host[0] != '\0' ? host : "localhost") + "." + std::to_string(::getpid()) + ".0";
}

}  // namespace

std::string tf_record(std::string_view bytes) {
  std::string record;
  put_fixed(record, static_cast<uint64_t>(bytes.size()));
  put_fixed(record, masked_crc(record));
  record += bytes;
  put_fixed(record, masked_crc(bytes));
  return record;
}

std::string event_tag(const std::string& name) {
  constexpr std::string_view kHeldOut = "valid_";
  if (name.starts_with(kHeldOut)) return "valid/" + name.substr(kHeldOut.size());
  return name.find('/') != std::string::npos ? name : "train/" + name;
}

void EventFile::append(std::string_view event) {
  std::string records;
  if (path_.empty()) {
    path_ = new_path(folder_);
    records = tf_record(Message()
                            .real(event::kWallTime, seconds_now())
                            .text(event::kFileVersion, "brain.Event:2")
                            .bytes());
  }
  append_to_file(path_, records + tf_record(event));
}

void EventFile::start_session(int64_t first_step) {
  const Message log = Message().number(session_log::kStatus, session_log::kStart);
  append(event_at(first_step).message(event::kSessionLog, log).bytes());
}

void EventFile::write(const LogRecord& record) {
  const int64_t step = step_of(record);
  if (step != last_step_) tags_of_last_step_ = "\n";
  last_step_ = step;
  Message values;
  for (const auto& [name, value] : record) {
    const std::string tag = event_tag(name);
    if (name == "step" || tags_of_last_step_.find("\n" + tag + "\n") != std::string::npos) continue;
    tags_of_last_step_ += tag + "\n";
    const std::optional<double> number = as_number(value);
    values.message(summary::kValue, number ? scalar_value(tag, *number)
                                           : text_value(tag, std::get<std::string>(value.get())));
  }
  if (values.bytes().empty()) return;
  append(event_at(step).message(event::kSummary, values).bytes());
}

void EventFile::write_text(const std::string& tag, const std::string& text, int64_t step) {
  const Message values = Message().message(summary::kValue, text_value(tag, text));
  append(event_at(step).message(event::kSummary, values).bytes());
}

void EventFile::write_hparams(const LogRecord& settings) {
  Message session;
  for (const auto& [name, value] : settings) {
    session.message(
        hparams::kHparams,
        Message().text(hparams::kMapKey, name).message(hparams::kMapValue, hparam_value(value)));
  }
  session.real(hparams::kStartTime, seconds_now());
  const Message content = Message().message(hparams::kSessionStart, session);
  const Message plugin = Message()
                             .text(summary::kPluginName, "hparams")
                             .text(summary::kPluginContent, content.bytes());
  const Message metadata = Message()
                               .message(summary::kPluginData, plugin)
                               .number(summary::kDataClass, summary::kDataClassTensor);
  const Message value = Message()
                            .text(summary::kTag, "_hparams_/session_start_info")
                            .message(summary::kMetadata, metadata);
  append(event_at(0).message(event::kSummary, Message().message(summary::kValue, value)).bytes());
}

}  // namespace linformer
