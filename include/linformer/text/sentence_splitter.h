#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// The meaning of a line end inside a document.
enum class LineEnds {
  kBreak,  ///< it ends a sentence (a paragraph, a heading or a sentence per line)
  kJoin,   ///< it is a blank (text wrapped at a fixed width); only an empty line ends a sentence
};

/// Splits a document into sentences by rules, which depend on the language only through its
/// letters.
///
/// A sentence ends after a run of `.`, `!`, `?` or an ellipsis, and closing quotes and brackets
/// directly behind it, if white space follows and then (opening quotes and brackets skipped) a
/// capital letter, a digit, or a letter of a script without case; after the ideographic full
/// stops; and at line ends as `line_ends` says. A single `.` does not end one after
///   - a title or other abbreviation that something always follows (Mr, Dr, St, e.g, vs, Gen, ...),
///   - an abbreviation of a number (No, pp, Fig, Vol, ...) if a digit follows,
///   - a single letter (an initial) or letters with full stops between (U.S, a.m, i.e),
///   - nothing but digits since the sentence began (a list's "1. First").
/// Sentences are trimmed and never empty; together they hold every character that is not blank.
/// The views point into `document`. The content of shards depends on these rules: raise
/// kSentenceSplitterVersion when they change.
void split_sentences(std::string_view document, LineEnds line_ends,
                     std::vector<std::string_view>& sentences);

/// Replaces each line end in `document`, and the white space around it, by one blank, except at
/// empty lines. This applies LineEnds::kJoin to text that is to be encoded.
void join_line_ends(std::string& document);

inline constexpr int kSentenceSplitterVersion = 1;

}  // namespace linformer
