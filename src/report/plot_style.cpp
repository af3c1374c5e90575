#include "plot_style.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "linformer/report/plot.h"

namespace linformer {

namespace {

struct PageColor {
  Rgb light, dark;
};

// After Okabe & Ito (2008): orange is darker than theirs, and grey stands for sky blue and yellow,
// so that thin lines are seen on white. Lighter ones for dark pages.
constexpr std::array<PageColor, 6> kSeries = {{{{0x00, 0x72, 0xB2}, {0x4A, 0xA8, 0xE0}},
                                               {{0xD5, 0x5E, 0x00}, {0xFF, 0x8A, 0x3D}},
                                               {{0x00, 0x9E, 0x73}, {0x2F, 0xC8, 0x9A}},
                                               {{0xCC, 0x79, 0xA7}, {0xE0, 0x9A, 0xC2}},
                                               {{0xC9, 0x8A, 0x00}, {0xF2, 0xC1, 0x4E}},
                                               {{0x5A, 0x5A, 0x5A}, {0xB8, 0xBC, 0xC2}}}};
constexpr PageColor kGrid = {{0xD9, 0xD9, 0xD9}, {0x44, 0x48, 0x4E}};

// Signal colours: nothing else of a plot is nearly black and of this kind.
constexpr int kSignalRed = 1, kSeriesGreen = 2, kGridGreen = 3, kTextGreen = 4;

std::string series_variable(size_t color) {
  return "--plot-" + std::to_string(color + 1);
}

std::string variables(Rgb PageColor::*mode) {
  std::string text = "--plot-grid:" + hex_color(kGrid.*mode) + ";";
  for (size_t i = 0; i < kSeries.size(); ++i) {
    text += series_variable(i) + ":" + hex_color(kSeries[i].*mode) + ";";
  }
  return text;
}

/// WCAG 2's relative luminance.
double luminance(const Rgb& color) {
  const auto linear = [](int channel) {
    const double share = channel / 255.0;
    return share <= 0.04045 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

Rgb heat_color(double share) {
  const std::vector<Rgb>& colors = heat_colors();
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(colors.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), colors.size() - 2);
  const double part = place - static_cast<double>(below);
  const auto mixed = [&](int Rgb::*channel) {
    return static_cast<int>(
        std::lround((1.0 - part) * colors[below].*channel + part * colors[below + 1].*channel));
  };
  return {mixed(&Rgb::red), mixed(&Rgb::green), mixed(&Rgb::blue)};
}

}  // namespace

std::string hex_color(const Rgb& color) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", color.red & 0xFF, color.green & 0xFF,
                color.blue & 0xFF);
  return text.data();
}

Rgb series_signal(size_t color) {
  return {kSignalRed, kSeriesGreen, static_cast<int>(color)};
}

Rgb grid_signal() {
  return {kSignalRed, kGridGreen, 0};
}

Rgb text_signal() {
  return {kSignalRed, kTextGreen, 0};
}

std::optional<std::string> page_color(const Rgb& signal) {
  if (signal == text_signal()) return "currentColor";
  if (signal == grid_signal()) return "var(--plot-grid," + hex_color(kGrid.light) + ")";
  const auto color = static_cast<size_t>(signal.blue);
  if (color >= kSeries.size() || signal != series_signal(color)) return std::nullopt;
  return "var(" + series_variable(color) + "," + hex_color(kSeries[color].light) + ")";
}

SeriesLook series_look(size_t number) {
  // Circle, square, triangle, triangle downwards, diamond, pentagon.
  constexpr std::array<int, 6> kOpen = {6, 4, 8, 10, 12, 14};
  const size_t color = number % kSeries.size();
  const int open = kOpen[(number + number / kSeries.size()) % kOpen.size()];
  return {color, open + 1, open};
}

const std::vector<Rgb>& heat_colors() {
  static const std::vector<Rgb> kViridis = {
      {0x44, 0x01, 0x54}, {0x47, 0x2D, 0x7B}, {0x3B, 0x52, 0x8B},
      {0x2C, 0x72, 0x8E}, {0x21, 0x91, 0x8C}, {0x28, 0xAE, 0x80},
      {0x5E, 0xC9, 0x62}, {0xAD, 0xDC, 0x30}, {0xFD, 0xE7, 0x25}};
  return kViridis;
}

Rgb heat_text_color(double share) {
  // The contrast (L1 + 0.05) / (L2 + 0.05) with white and with black is equal at L = 0.179.
  return luminance(heat_color(share)) > 0.179 ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
}

size_t num_plot_colors() {
  return kSeries.size();
}

std::string plot_css() {
  // Names and colours alone, so that a page may put it anywhere in its style sheet.
  return ":root{" + variables(&PageColor::light) +
         "}\n"
         "@media screen and (prefers-color-scheme:dark){:root{" +
         variables(&PageColor::dark) +
         "}}\n"
         "svg.plot{display:block;max-width:100%;height:auto}\n";
}

}  // namespace linformer
