#pragma once

#include <string>
#include <vector>

#include "linformer/report/run_folder.h"

namespace linformer {

/// Several runs as one page: the settings in which they differ, their last figures, their curves
/// over steps and over tokens. At most num_plot_colors() runs.
std::string comparison_page(const std::vector<RunFolder>& runs, const std::string& command);

/// Names for runs in tables and legends: the last part of the path, or as many parts as tell two
/// runs apart.
std::vector<std::string> short_names(const std::vector<RunFolder>& runs);

/// The keys of the configurations in which the runs differ, with the value of each run ("–" where
/// it has no such key); the folder of the run is left out.
struct DifferingSetting {
  std::string key;
  std::vector<std::string> values;
};
std::vector<DifferingSetting> differing_settings(const std::vector<RunFolder>& runs);

/// A row for each figure of a run at its end: state, steps, losses, best score, speed, time. The
/// first cell names the figure and its unit.
std::vector<std::vector<std::string>> final_figures(const std::vector<RunFolder>& runs);

}  // namespace linformer
