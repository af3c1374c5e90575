#include "linformer/core/machine.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "linformer/core/processors.h"

namespace linformer {

namespace {

/// The text behind the colon of the first line that starts with `key`; "" if there is none.
std::string line_value(const std::string& path, const std::string& key) {
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    const size_t begin = line.rfind(key, 0) == 0 ? line.find(':') : std::string::npos;
    if (begin == std::string::npos) continue;
    const size_t text = line.find_first_not_of(": \t", begin);
    if (text != std::string::npos) return line.substr(text);
  }
  return "";
}

std::string processor_name() {
  const std::string name = line_value("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown processor" : name;
}

/// The first GPU as NVIDIA's driver names it; "" without one.
std::string gpu_name() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    return line_value((entry.path() / "information").string(), "Model");
  }
  return "";
}

/// A word as a shell reads it back.
std::string shell_word(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](const char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_./=,:+@%").find(c) != std::string_view::npos;
  });
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string machine_name() {
  const std::string device = gpu_name();
  return processor_name() + ", " + std::to_string(num_processors()) + " cores" +
         (device.empty() ? "" : ", " + device);
}

std::string own_command_line() {
  std::ifstream stream("/proc/self/cmdline", std::ios::binary);
  std::string line;
  for (std::string word; std::getline(stream, word, '\0');) {
    line += (line.empty() ? "" : " ") + shell_word(word);
  }
  return line;
}

std::string library_version() {
  return LINFORMER_VERSION;
}

}  // namespace linformer
