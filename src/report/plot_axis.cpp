#include "plot_axis.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "gnuplot.h"

#include "linformer/core/format.h"

namespace linformer {

namespace {

constexpr size_t kMostTicks = 12;

struct Tick {
  double value;
  int power;     ///< of 2 or 10
  bool between;  ///< 2 or 5 times a power of 10
};

/// All powers of 2 from below `low` to above `high`, or all of 1, 2, 5, 10, 20, ... One more power
/// at each end, since logarithms are rounded.
std::vector<Tick> ticks_around(PlotScale scale, double low, double high) {
  const bool two = scale == PlotScale::kLog2;
  const int first = static_cast<int>(std::floor(two ? std::log2(low) : std::log10(low))) - 1;
  const int last = static_cast<int>(std::ceil(two ? std::log2(high) : std::log10(high))) + 1;
  std::vector<Tick> ticks;
  for (int power = first; power <= last; ++power) {
    if (two) {
      ticks.push_back({std::ldexp(1.0, power), power, false});
      continue;
    }
    const double ten = std::pow(10.0, std::abs(power));
    for (const double factor : {1.0, 2.0, 5.0}) {
      // 5 / 1000 is the double that "0.005" reads as; 5 * 0.001 is not.
      ticks.push_back({power < 0 ? factor / ten : factor * ten, power, factor != 1.0});
    }
  }
  return ticks;
}

std::string range_end(const std::optional<double>& end) {
  return end ? gnuplot_number(*end) : "*";
}

std::string set_range(char letter, const std::string& low, const std::string& high) {
  return std::string("set ") + letter + "range [" + low + ":" + high + "]\n";
}

std::string set_ticks(char letter, const std::vector<double>& ticks) {
  std::string list;
  for (const double tick : ticks) {
    list +=
        (list.empty() ? "" : ", ") + gnuplot_quoted(tick_label(tick)) + " " + gnuplot_number(tick);
  }
  return std::string("set ") + letter + "tics (" + list + ")\n";
}

}  // namespace

bool is_drawn(const PlotAxis& axis, double value) {
  return std::isfinite(value) && (axis.scale == PlotScale::kLinear || value > 0.0);
}

std::pair<double, double> log_range(const PlotAxis& axis, const std::vector<double>& values,
                                    bool to_ticks) {
  double low = INFINITY, high = 0.0;
  for (const double value : values) {
    if (!is_drawn(axis, value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (to_ticks) {
    // The last tick not above the values, and the first not below them.
    const std::vector<Tick> ticks = ticks_around(axis.scale, low, high);
    const auto is_above = [&](const Tick& tick) { return tick.value > low; };
    const auto reaches = [&](const Tick& tick) { return tick.value >= high; };
    low = std::prev(std::find_if(ticks.begin(), ticks.end(), is_above))->value;
    high = std::find_if(ticks.begin(), ticks.end(), reaches)->value;
  }
  if (!to_ticks || low == high) {
    const double margin = low == high ? std::sqrt(2.0) : std::pow(high / low, 0.04);
    low /= margin;
    high *= margin;
  }
  low = axis.low.value_or(low);
  high = axis.high.value_or(high);
  if (!(low > 0.0 && low < high))
    throw std::invalid_argument("a logarithmic axis needs a range above 0");
  return {low, high};
}

std::vector<double> log_ticks(PlotScale scale, double low, double high) {
  const std::vector<Tick> all = ticks_around(scale, low, high);
  std::vector<double> kept;
  // Step 0 keeps 2 and 5; a step of 3 keeps powers that 3 divides, so that 1 stays.
  for (int step = 0; step == 0 || kept.size() > kMostTicks; ++step) {
    kept.clear();
    for (const Tick& tick : all) {
      const bool inside = tick.value >= low && tick.value <= high;
      const bool wanted = step == 0 || (!tick.between && tick.power % step == 0);
      if (inside && wanted) kept.push_back(tick.value);
    }
  }
  return kept;
}

std::string tick_label(double value) {
  if (value >= 1e-4 && value < 1e7) return format_number(value, 7);
  std::string text = format_number(value, 7);  // "1e+07"
  const size_t exponent = text.find('e');
  if (exponent == std::string::npos) return text;
  return text.substr(0, exponent + 1) + std::to_string(std::stoi(text.substr(exponent + 1)));
}

double linear_step(double low, double high, int pixels) {
  constexpr double kLetterPixels = 9.0, kGapPixels = 14.0;
  // Tenths of the power of 10 that the range has: too short, and made longer until labels fit.
  double step = std::pow(10.0, std::floor(std::log10(high - low)) - 1.0);
  const auto fits = [&] {
    const size_t letters = std::max(tick_label(std::floor(low / step) * step).size(),
                                    tick_label(std::ceil(high / step) * step).size());
    const double room = pixels * step / (high - low);
    return room >= kLetterPixels * static_cast<double>(letters) + kGapPixels;
  };
  // 1, 2, 5, 10, 20, ...; ranges at the limits of a double never fit.
  for (size_t i = 0; i < 30 && !fits(); ++i) step *= i % 3 == 1 ? 2.5 : 2.0;
  return step;
}

std::string axis_script(const PlotAxis& axis, char letter, const std::vector<double>& values,
                        int pixels) {
  std::string script = std::string("set ") + letter + "label " + gnuplot_quoted(axis.title) + "\n";
  if (axis.scale == PlotScale::kLinear) {
    script += std::string("set format ") + letter + " '%.10g'\n" +
              set_range(letter, range_end(axis.low), range_end(axis.high));
    const auto ends = std::minmax_element(values.begin(), values.end());
    const double low = axis.low.value_or(values.empty() ? 0.0 : *ends.first);
    const double high = axis.high.value_or(values.empty() ? 0.0 : *ends.second);
    const double step = pixels > 0 && low < high ? linear_step(low, high, pixels) : 0.0;
    if (step > 0.0 && std::isfinite(step)) {
      script += std::string("set ") + letter + "tics " + gnuplot_number(step) + "\n";
    }
    return script;
  }
  const auto [low, high] = log_range(axis, values, letter == 'y');
  script += std::string("set logscale ") + letter + "\n" +
            set_range(letter, gnuplot_number(low), gnuplot_number(high)) +
            set_ticks(letter, log_ticks(axis.scale, low, high));
  return script;
}

}  // namespace linformer
