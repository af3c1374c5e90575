#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "linformer/report/jsonl_log.h"

namespace linformer {

/// One TFRecord: length (8 bytes, little-endian), its masked CRC-32C, the bytes, their masked
/// CRC-32C (TensorFlow, core/lib/io/record_writer).
std::string tf_record(std::string_view bytes);

/// A TensorBoard event file, FOLDER/events.out.tfevents.SECONDS.HOST.PID.NUMBER: TFRecords of
/// tensorflow.Event messages. Each session of a run has one file, as TensorBoard expects. Names of
/// later files sort after earlier ones, even if the clock was set back. Each record is on disk when
/// the call returns. Throws RunError.
///
/// Tags: "valid_loss" becomes "valid/loss", a name with a slash stays, and all others get the
/// prefix "train/", so that TensorBoard shows few groups. A tag that was already written at this
/// step (such as "elapsed_seconds" of an evaluation's line) is left out.
class EventFile {
 public:
  /// The constructor writes nothing.
  explicit EventFile(std::string folder) : folder_(std::move(folder)) {}

  /// Begins a session whose first step is `first_step`. Readers then drop this step and later ones
  /// of the folder's earlier files (SessionLog.START).
  void start_session(int64_t first_step);

  /// Writes numbers and truth values as scalars (in single precision, as TensorBoard does) and
  /// texts as texts, at the record's "step" (0 if it has none).
  void write(const LogRecord& record);

  /// Writes a text, shown as Markdown, e.g. the configuration.
  void write_text(const std::string& tag, const std::string& text, int64_t step);

  /// Writes the settings of the run for TensorBoard's HPARAMS tab, which compares runs by them.
  /// TensorBoard takes the first of a folder, so once for each run is enough.
  void write_hparams(const LogRecord& settings);

  /// "" before the first record.
  const std::string& path() const { return path_; }

 private:
  void append(std::string_view event);

  std::string folder_;
  std::string path_;
  int64_t last_step_ = -1;
  std::string tags_of_last_step_;  // each enclosed by line ends
};

/// The tag of a name in log.jsonl.
std::string event_tag(const std::string& name);

}  // namespace linformer
