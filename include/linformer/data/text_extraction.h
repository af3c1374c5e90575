#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "linformer/data/table_reader.h"

namespace linformer {

/// The texts of a column of tables, for pre-training: a file with one text per line.
struct TextExtraction {
  std::vector<std::string> inputs;  ///< tables (table_format_of()), compressed or plain
  Column column{"text"};
  bool header = true;         ///< false: the first row has values, and `column` is an index
  bool replace_tags = false;  ///< tags of HTML's elements (<br />, </p>) become blanks
  bool keep_repeats = false;  ///< false: of equal texts the first one is kept
  std::string output;
  std::string held_out;          ///< a second file, of the texts that are held out; "" = none
  int64_t held_out_every = 0;    ///< every n-th text that is kept goes there
  double max_bad_share = 0.001;  ///< a larger share of unreadable rows ends the work
};

struct ExtractedTexts {
  int64_t texts = 0;     ///< written to `output`
  int64_t held_out = 0;  ///< written to the other file
  int64_t repeats = 0;   ///< left out, as everything below
  int64_t empty = 0;     ///< nothing but blanks
  int64_t bad_rows = 0;
  std::string beginning;  ///< of `output`, up to 64 KiB, for guess_layout()
  std::string first_bad;  ///< FILE:LINE: PROBLEM of the first bad row
};

/// A text on one line: white space of every kind (Unicode's too) and control characters become
/// blanks, and so do tags if `replace_tags`. Neighbouring blanks become one, those at both ends are
/// dropped.
std::string text_on_one_line(const std::string& text, bool replace_tags);

using ExtractionProgress = std::function<void(uint64_t consumed_bytes, uint64_t text_bytes)>;

/// Replaces the files only after all rows were read. Throws Error for what a table lacks and for
/// too many bad rows. Throws StopError if a stop signal came. `progress` gets the stored bytes that
/// were read so far and the bytes of text.
ExtractedTexts extract_texts(const TextExtraction& extraction,
                             const ExtractionProgress& progress = {});

}  // namespace linformer
