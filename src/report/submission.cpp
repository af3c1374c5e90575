#include "linformer/report/submission.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>

#include <unistd.h>
#include <zip.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {

namespace {

// The earliest time that a zip archive can store, so that the bytes depend on the content alone.
constexpr zip_uint16_t kFirstDosDate = (0 << 9) | (1 << 5) | 1;

std::string where(const SubmissionSheet& sheet, size_t row) {
  return (sheet.source.empty() ? sheet.file : sheet.source) + ", row " + std::to_string(row);
}

std::string score_text(const SubmissionSheet& sheet, size_t row) {
  const std::string& text = sheet.predictions[row];
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    fail_run(where(sheet, row), "'" + text + "' is not a number",
             "predict with a regression model");
  }
  return format_fixed(std::clamp(value, sheet.min_score, sheet.max_score), 3);
}

const std::string& label_text(const SubmissionSheet& sheet, size_t row) {
  const std::string& label = sheet.predictions[row];
  if (std::find(sheet.labels.begin(), sheet.labels.end(), label) == sheet.labels.end()) {
    std::string known;
    for (const std::string& each : sheet.labels) known += (known.empty() ? "" : ", ") + each;
    fail_run(where(sheet, row), "'" + label + "' is not a label of " + sheet.file,
             "the server takes: " + known);
  }
  return label;
}

/// Why a sheet is incomplete; "" if it is complete.
std::string problem_of(const SubmissionSheet& sheet) {
  const std::string name = sheet.file + " (" + sheet.task + ", " + sheet.split + ")";
  if (!sheet.filled) return name + ": no predictions";
  const auto rows = static_cast<int64_t>(sheet.predictions.size());
  if (rows == sheet.num_rows) return "";
  return name + ": " + format_count(rows) + " rows, the server expects " +
         format_count(sheet.num_rows) +
         (sheet.source.empty() ? "" : "; predictions of " + sheet.source);
}

[[noreturn]] void fail_archive(const std::string& path, const std::string& what,
                               const std::string& why) {
  fail_run(path, what + ": " + why, "check the folder and the space left on its disk");
}

/// A zip archive that is being written. Without commit() nothing remains of it.
class ZipArchive {
 public:
  explicit ZipArchive(const std::string& path)
      : path_(path), temporary_(path + ".tmp-" + std::to_string(::getpid())) {
    int code = 0;
    archive_ = zip_open(temporary_.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string why = zip_error_strerror(&error);
      zip_error_fini(&error);
      fail_archive(path_, "cannot be created", why);
    }
  }
  ~ZipArchive() {
    if (archive_ != nullptr) zip_discard(archive_);
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  /// `content` has to live until commit().
  void add(const std::string& name, const std::string& content) {
    zip_source_t* source = zip_source_buffer(archive_, content.data(), content.size(), 0);
    const zip_int64_t index =
        source == nullptr ? -1 : zip_file_add(archive_, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      if (source != nullptr) zip_source_free(source);
      fail_archive(path_, "cannot take " + name, zip_strerror(archive_));
    }
    if (zip_file_set_dostime(archive_, static_cast<zip_uint64_t>(index), 0, kFirstDosDate, 0) !=
        0) {
      fail_archive(path_, "cannot date " + name, zip_strerror(archive_));
    }
  }

  void commit() {
    if (zip_close(archive_) != 0) fail_archive(path_, "cannot be written", zip_strerror(archive_));
    archive_ = nullptr;
    // Copied into a file that is always either the old or the complete new one.
    write_file_atomically(path_, read_text_file(temporary_));
  }

 private:
  std::string path_;
  std::string temporary_;
  zip_t* archive_ = nullptr;
};

}  // namespace

std::string submission_text(const SubmissionSheet& sheet) {
  std::string text = "index\tprediction\n";
  for (size_t row = 0; row < sheet.predictions.size(); ++row) {
    text += std::to_string(row) + "\t";
    text += sheet.labels.empty() ? score_text(sheet, row) : label_text(sheet, row);
    text += "\n";
  }
  return text;
}

SubmissionSummary write_submission(const std::string& path,
                                   const std::vector<SubmissionSheet>& sheets,
                                   const SubmissionOptions& options) {
  SubmissionSummary summary;
  std::string problems;
  std::vector<std::string> texts;
  for (const SubmissionSheet& sheet : sheets) {
    if (sheet.filled) {
      summary.files.push_back(sheet.file);
      texts.push_back(submission_text(sheet));
    }
    const std::string problem = problem_of(sheet);
    if (problem.empty()) continue;
    problems += "\n  " + problem;
    if (sheet.filled) {
      summary.problems.push_back(problem);
    } else {
      summary.missing.push_back(sheet.file);
    }
  }
  if (summary.files.empty()) {
    fail_run(path, "there is no prediction for any of its files" + problems,
             "predict the test sets first");
  }
  if (!problems.empty() && !options.allow_partial) {
    fail_run(path, "the server would refuse it:" + problems,
             "predict these test sets as the server has them, or ask for a partial submission");
  }
  ZipArchive archive(path);
  for (size_t i = 0; i < texts.size(); ++i) archive.add(summary.files[i], texts[i]);
  archive.commit();
  return summary;
}

}  // namespace linformer
