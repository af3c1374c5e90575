#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "linformer/core/clock.h"

namespace linformer {

/// The progress of a training, for display.
struct TrainingProgress {
  int64_t step = 0;
  std::optional<int64_t> total_steps;
  double loss = 0.0;  ///< nats per masked token
  std::optional<double> perplexity;
  double learning_rate = 0.0;
  double tokens_per_second = 0.0;
  std::optional<double> mfu;          ///< needed FLOP/s / measured matrix-multiply peak, 0 to 1
  std::optional<double> eta_seconds;  ///< time to the end of the run
};

/// "step 1,200/10,000 | loss 4.123 | ppl 61.7 | lr 4.8e-04 | 3,550 tok/s | 54 % MFU | ETA 1h 02m"
std::string format_progress(const TrainingProgress& progress);

/// A single line that is updated on a terminal. Elsewhere (a file, a pipe) plain lines, only at
/// every `plain_every`-th update. Call clear() before other output on the same stream.
class ProgressLine {
 public:
  enum class Mode { kAutomatic, kTerminal, kPlain };

  explicit ProgressLine(std::FILE* stream = stderr, Mode mode = Mode::kAutomatic,
                        int64_t plain_every = 1);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(const std::string& text);
  /// Erases the line from a terminal.
  void clear();
  /// Keeps the last text (prints it if plain output has skipped it).
  void finish();

  bool is_terminal() const { return terminal_; }

 private:
  std::FILE* stream_;
  bool terminal_;
  int64_t plain_every_;
  int64_t updates_ = 0;
  bool drawn_ = false;
  std::string unprinted_;
};

/// The progress of work that has an end, such as the rows of a test set:
/// "predicting test: 1,200 of 25,000 rows | 5 % | ETA 3m 10s". On a terminal one line that is
/// updated in place, elsewhere a line every ten seconds; work of a few seconds leaves nothing in a
/// file.
class WorkProgress {
 public:
  /// `total` 0 = unknown: then there is no share and no ETA. `seconds` is a clock.
  WorkProgress(std::string what, int64_t total, std::string unit, std::FILE* stream = stderr,
               ProgressLine::Mode mode = ProgressLine::Mode::kAutomatic,
               std::function<double()> seconds = steady_seconds);
  /// Erases the line from a terminal.
  ~WorkProgress();

  /// `done` of the units; costs nothing between two updates of the line.
  void update(int64_t done);
  /// With a total that is known only now, or a share (0 to 1) that is known by other means.
  void update(int64_t done, int64_t total);
  void update_share(int64_t done, std::optional<double> share);
  /// For other output on the same stream.
  void clear() { line_.clear(); }

 private:
  std::string text(int64_t done, std::optional<double> share, double elapsed) const;

  std::string what_, unit_;
  int64_t total_;
  std::function<double()> seconds_;
  double start_, last_;
  ProgressLine line_;
};

}  // namespace linformer
