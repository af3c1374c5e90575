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
/// tensorflow.Event messages. One file per session of a run, as TensorBoard expects; names of later
/// files sort after earlier ones, also if the clock was set back. Each record is on disk when the
/// call returns. Throws RunError.
///
/// Tags: "valid_loss" becomes "valid/loss", a name with a slash stays, all others get "train/" in
/// front, so that TensorBoard shows few groups. A tag that was written at this step already (as
/// "elapsed_seconds" of an evaluation's line) is left out.
class EventFile {
 public:
  /// Nothing is written before the first call.
  explicit EventFile(std::string folder) : folder_(std::move(folder)) {}

  /// Begins a session whose first step is `first_step`: readers forget what earlier files of the
  /// folder say of this step and later ones (SessionLog.START).
  void start_session(int64_t first_step);

  /// Numbers and truth values as scalars (single precision, as TensorBoard's), texts as texts, at
  /// the record's "step" (0 if it has none).
  void write(const LogRecord& record);

  /// A text, shown as Markdown, e.g. the configuration.
  void write_text(const std::string& tag, const std::string& text, int64_t step);

  /// "" before the first record.
  const std::string& path() const { return path_; }

 private:
  void append(std::string_view event);

  std::string folder_;
  std::string path_;
  int64_t last_step_ = -1;
  std::string tags_of_last_step_;  // each between line ends
};

/// The tag of a name in log.jsonl.
std::string event_tag(const std::string& name);

}  // namespace linformer
