#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace linformer {

/// One line of progress on stderr: updated in place on a terminal, else a log line every ten
/// seconds.
class DataProgress {
 public:
  /// `total_bytes`: stored bytes of all inputs; 0 if unknown (then without share and ETA).
  DataProgress(std::string action, uint64_t total_bytes);
  ~DataProgress() { clear(); }
  DataProgress(const DataProgress&) = delete;
  DataProgress& operator=(const DataProgress&) = delete;

  /// `consumed_bytes`: stored input bytes so far; `text_bytes`: processed text, for MB/s.
  void update(uint64_t consumed_bytes, uint64_t text_bytes);
  /// Removes the line from the terminal, so that other output starts on a clean one.
  void clear();
  double seconds() const;

 private:
  std::string line(uint64_t consumed_bytes, uint64_t text_bytes) const;

  std::string action_;
  uint64_t total_bytes_;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace linformer
