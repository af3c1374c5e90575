#include "gnuplot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "linformer/core/atomic_file.h"
#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/scratch_folder.h"
#include "linformer/core/utf8.h"
#include "linformer/report/html_text.h"

namespace linformer {

namespace {

/// U+F0000 + c in UTF-8 is these two bytes and two that hold the seven bits of c.
constexpr std::string_view kPrivatePrefix = "\xF3\xB0";
constexpr size_t kPrivateLength = 4;
constexpr uint32_t kPrivateFirst = 0xF0000, kPrivateLast = 0xF007F;

bool is_seen_by_gnuplot(char letter) {
  const bool alphanumeric = (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
                            (letter >= 'a' && letter <= 'z');
  return alphanumeric || std::string_view(" .,:()+-=").find(letter) != std::string_view::npos;
}

std::string private_character(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return std::string(kPrivatePrefix) + static_cast<char>(0x80 | (code >> 6)) +
         static_cast<char>(0x80 | (code & 0x3F));
}

/// A path between single quotes, where gnuplot gives a meaning to the quote alone.
std::string quoted_path(const std::string& path) {
  std::string quoted = "'";
  for (const char letter : path) quoted += letter == '\'' ? "''" : std::string(1, letter);
  return quoted + "'";
}

/// The last line that is not empty: gnuplot prints the source line and a caret before it.
std::string last_line(const std::string& log) {
  const size_t end = log.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return "it printed no message";
  const size_t start = log.find_last_of('\n', end);
  return log.substr(start == std::string::npos ? 0 : start + 1,
                    end - (start == std::string::npos ? 0 : start + 1) + 1);
}

}  // namespace

std::string gnuplot_text(std::string_view text) {
  const std::string printable = printable_text(text);
  std::string sent;
  for (std::string_view rest = printable; !rest.empty();) {
    const size_t length = utf8_character_length(rest);
    const uint32_t point = utf8_code_point(rest);
    if (rest.front() == '\n' || rest.front() == '\t') {
      sent += ' ';
    } else if (length == 1 && !is_seen_by_gnuplot(rest.front())) {
      sent += private_character(rest.front());
    } else if (point >= kPrivateFirst && point <= kPrivateLast) {
      sent += "\uFFFD";
    } else {
      sent += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  return sent;
}

std::string gnuplot_quoted(std::string_view text) {
  return "'" + gnuplot_text(text) + "'";
}

std::string shown_text(std::string_view drawn) {
  std::string plain;
  for (size_t i = 0; i < drawn.size();) {
    if (drawn.substr(i).starts_with(kPrivatePrefix) && i + kPrivateLength <= drawn.size()) {
      const int high = drawn[i + 2] & 0x01, low = drawn[i + 3] & 0x3F;
      plain += static_cast<char>(high << 6 | low);
      i += kPrivateLength;
    } else {
      plain += drawn[i++];
    }
  }
  return html_escape(plain);
}

size_t num_characters(std::string_view text) {
  // Bytes that continue a character of UTF-8 are not counted.
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string gnuplot_number(double value) {
  if (!std::isfinite(value)) return "NaN";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

std::string find_gnuplot(const std::string& otherwise) {
  const std::string program = find_program("gnuplot");
  if (program.empty()) {
    fail_run("gnuplot", "the program that draws the plots of reports is not on the PATH",
             "apt-get install gnuplot-nox (tools/setup.sh does so)" +
                 (otherwise.empty() ? "" : ", or " + otherwise));
  }
  return program;
}

std::string run_gnuplot(const std::string& script, int width, int height, const std::string& name) {
  const std::string program = find_gnuplot();
  const ScratchFolder folder("plot");
  const std::string picture = folder.file("plot.svg");
  write_file_atomically(folder.file("plot.gp"),
                        "set encoding utf8\nset terminal svg noenhanced dynamic size " +
                            std::to_string(width) + "," + std::to_string(height) +
                            " font 'sans-serif,14'\nset output " + quoted_path(picture) + "\n" +
                            script + "unset output\n");
  ChildProcess child({program, "-d", folder.file("plot.gp")}, folder.file("log"));
  const int exit_code = child.wait();
  if (exit_code != 0 || !std::filesystem::exists(picture)) {
    fail_run("plot '" + name + "'",
             "gnuplot failed with exit code " + std::to_string(exit_code) + ": " +
                 last_line(read_text_file(folder.file("log"))),
             "check that 'gnuplot --version' says 5.4 or newer and that " + folder.file("") +
                 " can be written");
  }
  return read_text_file(picture);
}

}  // namespace linformer
