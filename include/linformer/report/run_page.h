#pragma once

#include <optional>
#include <string>

#include "linformer/config/expected_file.h"
#include "linformer/report/run_folder.h"

namespace linformer {

/// A run as one HTML page: curves, results, events, environment, configuration. With `expected`,
/// its band is drawn behind the curves. `command` is the one that made the page. Throws RunError if
/// gnuplot is missing or fails.
std::string run_page(const RunFolder& run, const std::optional<ExpectedCurve>& expected,
                     const std::string& command);

/// Writes RUN/report.html at the end of a run, by the process that holds its lock. What fails (no
/// gnuplot, a full disk) costs one line of log and never an exception, since this ends a training.
/// Returns whether it is written.
bool write_run_page(const std::string& folder,
                    const std::optional<ExpectedCurve>& expected = std::nullopt);

std::string run_page_path(const std::string& folder);

}  // namespace linformer
