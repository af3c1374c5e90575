#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plot_style.h"

namespace linformer {

// Pieces of scripts for gnuplot that several kinds of plots take.

/// Axes, grid and legend. The legend stands above the plot, where nothing overlaps; `names` are its
/// entries.
std::string common_style(const std::vector<std::string>& names);

std::string color_clause(const Rgb& color);  ///< "linecolor rgb '#0072b2'"
/// "title 'NAME'", "notitle" for an empty name
std::string title_clause(const std::string& name);
/// The entry of a series without data; "" for a series that has no entry.
std::string name_without_data(const std::string& name);

std::string data_name(const std::string& kind, size_t number);  ///< "$line0"
std::string data_block(const std::string& name, const std::string& lines);
std::string plot_command(const std::vector<std::string>& parts);

/// Throws std::invalid_argument if `values` has another length; none is allowed if optional.
enum class Presence { kRequired, kOptional };
void require_length(const std::vector<double>& values, size_t length, Presence presence);

}  // namespace linformer
