#include "linformer/config/expected_file.h"

#include <charconv>
#include <cmath>

#include "yaml_section.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/utf8.h"

namespace linformer {

namespace {

constexpr int kDigits = 6;

ExpectedRange read_range(YamlSection& section, const std::string& key) {
  const TextList texts = section.list(key);
  std::vector<double> values;
  for (const std::string& text : texts) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      section.fail(key, "'" + text + "' is not a number", "write [mean, deviation, low, high]");
    }
    values.push_back(value);
  }
  if (values.size() != 4) {
    section.fail(key, "takes four numbers", "write [mean, deviation, low, high]");
  }
  const ExpectedRange range{values[0], values[1], values[2], values[3]};
  if (range.low > range.mean || range.mean > range.high) {
    section.fail(key, "its mean is not between low and high", "write [mean, deviation, low, high]");
  }
  return range;
}

std::string list_of(const ExpectedRange& range) {
  std::string text;
  for (const double value : {range.mean, range.stddev, range.low, range.high}) {
    text += (text.empty() ? "" : ", ") + format_number(value, kDigits);
  }
  return "[" + text + "]";
}

/// In double quotes, as YAML reads it back; bytes that are no UTF-8 are replaced.
std::string quoted(const std::string& text) {
  constexpr const char* kDigits16 = "0123456789abcdef";
  std::string repaired, result = "\"";
  append_repaired_utf8(text, repaired);
  for (const char c : repaired) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      result += std::string("\\x") + kDigits16[byte / 16] + kDigits16[byte % 16];
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string perplexities(const ExpectedRange& loss) {
  return format_number(std::exp(loss.mean)) + ", " + format_number(std::exp(loss.low)) + " to " +
         format_number(std::exp(loss.high));
}

}  // namespace

ExpectedCurve read_expected_file(const std::string& path) {
  ExpectedCurve curve;
  curve.path = path;
  read_yaml_sections(path, [&](YamlSection& file) {
    if (!file.has("points")) {
      fail_usage(path, "is no expected curve: it has no points",
                 "name a file of configs/expected, or make one with linformer-report expected");
    }
    curve.configuration = file.text("configuration");
    curve.seeds = file.list("seeds");
    curve.machine = file.text_or("machine", "");
    curve.version = file.text_or("version", "");
    curve.date = file.text_or("date", "");
    curve.train_data = file.text("train_data");
    curve.valid_data = file.text("valid_data");
    for (const auto& [key, values] : file.lists("settings")) {
      if (values.size() != 1) {
        file.fail("settings", key + " is no text", "write values in quotes, lists too");
      }
      curve.settings[key] = values.front();
    }
    file.sections("points", [&](YamlSection& section) {
      ExpectedPoint point;
      point.step = section.whole_number_or("step", 0, 1);
      point.tokens = section.whole_number_or("tokens", 0, 1);
      point.valid_loss = read_range(section, "valid_loss");
      point.train_loss = read_range(section, "train_loss");
      const bool first = curve.points.empty();
      if (point.step == 0 || point.tokens == 0) {
        section.fail("step", "a point needs step and tokens", "give both");
      }
      if (!first &&
          (point.step <= curve.points.back().step || point.tokens <= curve.points.back().tokens)) {
        section.fail("step", "points have to go up in steps and tokens", "sort them");
      }
      curve.points.push_back(point);
    });
    if (curve.points.empty()) {
      file.fail("points", "is missing", "make the file with linformer-report expected");
    }
  });
  return curve;
}

std::string to_yaml(const ExpectedCurve& curve) {
  std::string seeds;
  for (const std::string& seed : curve.seeds) seeds += (seeds.empty() ? "" : ", ") + quoted(seed);
  std::string text =
      "# What this configuration reaches, measured by linformer-report expected\n"
      "# (docs/training.md, \"Expected curves\"). Losses are [mean, standard deviation, low, "
      "high]\n"
      "# in nats. Another seed is expected between low and high.\n";
  text += "configuration: " + quoted(curve.configuration) + "\nseeds: [" + seeds + "]\n";
  text += "machine: " + quoted(curve.machine) + "\nversion: " + quoted(curve.version) +
          "\ndate: " + quoted(curve.date) + "\n";
  text += "train_data: " + quoted(curve.train_data) + "\nvalid_data: " + quoted(curve.valid_data) +
          "\npoints:\n";
  for (const ExpectedPoint& point : curve.points) {
    text += "  # held-out perplexity " + perplexities(point.valid_loss) + "\n";
    text += "  - {step: " + std::to_string(point.step) +
            ", tokens: " + std::to_string(point.tokens) +
            ", valid_loss: " + list_of(point.valid_loss) +
            ", train_loss: " + list_of(point.train_loss) + "}\n";
  }
  text += "settings:\n";
  for (const auto& [key, value] : curve.settings)
    text += "  " + quoted(key) + ": " + quoted(value) + "\n";
  return text;
}

}  // namespace linformer
