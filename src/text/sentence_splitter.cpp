#include "linformer/text/sentence_splitter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "linformer/core/utf8.h"

namespace linformer {

namespace {

// Lower case, sorted. Words after which a sentence practically never ends.
constexpr std::array<std::string_view, 39> kAbbreviations{
    "adm", "approx", "apt", "brig", "ca",  "capt", "cf",    "cmdr", "col", "dr",
    "e.g", "ed",     "eds", "fr",   "gen", "gov",  "hon",   "i.e",  "lt",  "maj",
    "mme", "mr",     "mrs", "ms",   "mt",  "pres", "prof",  "rep",  "rev", "sen",
    "sgt", "sr",     "sra", "srta", "st",  "supt", "trans", "viz",  "vs"};
// Lower case, sorted. Words after which a sentence continues if a number follows.
constexpr std::array<std::string_view, 15> kNumberAbbreviations{
    "app", "art", "bk",  "ch", "eq",  "fig", "figs", "no",
    "nos", "op",  "par", "pp", "sec", "vol", "vols"};

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

template <size_t N>
bool contains(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

/// Length of a closing quote or bracket at the front, or 0.
size_t closer_length(std::string_view text) {
  if (text.empty()) return 0;
  if (std::string_view("\"')]}").find(text[0]) != std::string_view::npos) return 1;
  for (const std::string_view closer : {"\xE2\x80\x99", "\xE2\x80\x9D", "\xC2\xBB"}) {  // ’ ” »
    if (text.starts_with(closer)) return closer.size();
  }
  return 0;
}

/// Length of an opening quote or bracket at the front, or 0.
size_t opener_length(std::string_view text) {
  if (text.empty()) return 0;
  if (std::string_view("\"'([{").find(text[0]) != std::string_view::npos) return 1;
  // ‘ “ „ « ¿ ¡
  for (const std::string_view opener :
       {"\xE2\x80\x98", "\xE2\x80\x9C", "\xE2\x80\x9E", "\xC2\xAB", "\xC2\xBF", "\xC2\xA1"}) {
    if (text.starts_with(opener)) return opener.size();
  }
  return 0;
}

/// Whether the character at the front may begin a sentence: a capital, a digit, or without case.
bool may_begin(std::string_view text) {
  if (text.empty()) return true;
  const char c = text[0];
  if (static_cast<unsigned char>(c) < 0x80) return is_digit(c) || (c >= 'A' && c <= 'Z');
  if (utf8_character_length(text) == 0) return false;
  const uint32_t code = utf8_code_point(text);
  if (code >= 0xC0 && code <= 0xDE) return code != 0xD7;
  if (code >= 0x100 && code <= 0x17F) return code % 2 == 0;
  if (code >= 0x391 && code <= 0x3A9) return true;
  if (code >= 0x400 && code <= 0x42F) return true;
  return code >= 0x590 && !(code >= 0x2000 && code <= 0x2BFF);
}

/// The word at the end of `text`: letters, with single full stops between them.
std::string_view last_word(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0) {
    const char c = text[begin - 1];
    const bool inner_stop =
        c == '.' && begin < text.size() && begin >= 2 && is_ascii_letter(text[begin - 2]);
    if (!is_ascii_letter(c) && static_cast<unsigned char>(c) < 0x80 && !inner_stop) break;
    --begin;
  }
  return text.substr(begin);
}

/// Whether the single full stop after `sentence` (which began the sentence) only marks an
/// abbreviation, given the text after the blanks.
bool is_abbreviation(std::string_view sentence, std::string_view following) {
  const std::string_view word = last_word(sentence);
  if (word.empty()) {
    // "1." at the front numbers an item.
    return !sentence.empty() && std::all_of(sentence.begin(), sentence.end(), is_digit);
  }
  if (word.size() == 1) return word != "I";  // the pronoun ends sentences more often
  if (word.size() > 8) return false;
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  if (contains(kAbbreviations, lower)) return true;
  if (!following.empty() && is_digit(following[0]) && contains(kNumberAbbreviations, lower)) {
    return true;
  }
  // Letters with a full stop after each: U.S, a.m, J.R.R
  if (word.size() < 3) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if ((word[i] == '.') != (i % 2 == 1)) return false;
  }
  return true;
}

class Splitter {
 public:
  Splitter(std::string_view text, LineEnds line_ends, std::vector<std::string_view>& sentences)
      : text_(text), line_ends_(line_ends), sentences_(sentences) {}

  void run() {
    size_t i = 0;
    while (i < text_.size()) {
      switch (text_[i]) {
        case '.':
        case '!':
        case '?':
          i = at_terminator(i);
          break;
        case '\n':
          i = at_line_end(i);
          break;
        case '\xE2':
        case '\xE3':
        case '\xEF':
          i = at_wide_terminator(i);
          break;
        default:
          ++i;
      }
    }
    emit(text_.size());
  }

 private:
  void emit(size_t end) {
    size_t begin = begin_;
    size_t last = end;
    while (begin < last && is_space(text_[begin])) ++begin;
    while (last > begin && is_space(text_[last - 1])) --last;
    if (last > begin) sentences_.push_back(text_.substr(begin, last - begin));
    begin_ = end;
  }

  size_t at_line_end(size_t i) {
    size_t next = i + 1;
    bool empty_line = false;
    while (next < text_.size() && is_space(text_[next])) empty_line |= text_[next++] == '\n';
    if (line_ends_ == LineEnds::kBreak || empty_line) emit(i);
    return next;
  }

  /// `i` is the first of several terminators; returns the position where to continue.
  size_t at_terminator(size_t i) {
    size_t run_end = i;
    while (run_end < text_.size() && is_terminator(text_[run_end])) ++run_end;
    return after_run(i, run_end);
  }

  size_t at_wide_terminator(size_t i) {
    const std::string_view rest = text_.substr(i);
    // Ideographic full stop, full-width ! and ?: they end a sentence without a following blank.
    for (const std::string_view mark : {"\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F"}) {
      if (!rest.starts_with(mark)) continue;
      size_t end = i + mark.size();
      for (const std::string_view closer : {"\xE3\x80\x8D", "\xE3\x80\x8F"}) {  // 」 』
        if (text_.substr(end).starts_with(closer)) end += closer.size();
      }
      emit(end);
      return end;
    }
    if (rest.starts_with("\xE2\x80\xA6")) return after_run(i, i + 3);  // …
    return i + 1;
  }

  size_t after_run(size_t run_begin, size_t run_end) {
    size_t end = run_end;
    while (const size_t length = closer_length(text_.substr(end))) end += length;
    size_t next = end;
    while (next < text_.size() && is_space(text_[next]) && text_[next] != '\n') ++next;
    if (next < text_.size() && text_[next] == '\n') {
      // A joined line end is a blank; other line ends are handled by at_line_end().
      const size_t line_end = next;
      size_t line_ends = 0;
      while (next < text_.size() && is_space(text_[next])) line_ends += text_[next++] == '\n';
      if (line_ends_ == LineEnds::kBreak || line_ends > 1) return line_end;
    }
    if (next == end || next == text_.size()) return std::max(end, run_begin + 1);
    size_t first = next;
    while (const size_t length = opener_length(text_.substr(first))) first += length;
    if (!may_begin(text_.substr(first))) return end;
    const bool lone_stop = run_end == run_begin + 1 && text_[run_begin] == '.' && end == run_end;
    if (lone_stop) {
      const size_t start = std::min(text_.find_first_not_of(" \t\r\n\f", begin_), run_begin);
      const std::string_view sentence = text_.substr(start, run_begin - start);
      if (is_abbreviation(sentence, text_.substr(next))) return end;
    }
    emit(end);
    return end;
  }

  static bool is_terminator(char c) { return c == '.' || c == '!' || c == '?'; }

  std::string_view text_;
  LineEnds line_ends_;
  std::vector<std::string_view>& sentences_;
  size_t begin_ = 0;
};

}  // namespace

void split_sentences(std::string_view document, LineEnds line_ends,
                     std::vector<std::string_view>& sentences) {
  Splitter(document, line_ends, sentences).run();
}

void join_line_ends(std::string& document) {
  size_t kept = 0;
  for (size_t i = 0; i < document.size();) {
    size_t end = i;
    size_t line_ends = 0;
    while (end < document.size() && is_space(document[end])) line_ends += document[end++] == '\n';
    if (line_ends == 1) {
      document[kept++] = ' ';
      i = end;
      continue;
    }
    for (end = std::max(end, i + 1); i < end; ++i) document[kept++] = document[i];
  }
  document.resize(kept);
}

}  // namespace linformer
