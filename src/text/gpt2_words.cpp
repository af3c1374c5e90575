#include "gpt2_words.h"

#include <memory>
#include <stdexcept>
#include <string>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "linformer/core/utf8.h"

namespace linformer {
namespace {

// Unicode's property White_Space, spelled out: PCRE2's own \s has U+180E as well.
#define LINFORMER_SPACE                                                                         \
  "\\x{09}-\\x{0d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
  "\\x{205f}\\x{3000}"
constexpr std::string_view kPattern =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" LINFORMER_SPACE
    "\\p{L}\\p{N}]+|[" LINFORMER_SPACE "]+(?![^" LINFORMER_SPACE "])|[" LINFORMER_SPACE "]+";
#undef LINFORMER_SPACE

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

/// "anchored": each match has to begin where the one before it ended.
std::unique_ptr<pcre2_code, FreeCode> compile() {
  int error = 0;
  PCRE2_SIZE where = 0;
  std::unique_ptr<pcre2_code, FreeCode> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kPattern.data()), kPattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &error, &where, nullptr));
  if (!code) throw std::logic_error("GPT-2's pattern does not compile: " + message_of(error));
  // Without machine code, PCRE2 interprets the pattern: slower, with the same matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

bool is_white_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace

size_t gpt2_word_end(std::string_view text, size_t begin) {
  static const std::unique_ptr<pcre2_code, FreeCode> pattern = compile();
  thread_local const std::unique_ptr<pcre2_match_data, FreeMatch> match(
      pcre2_match_data_create(1, nullptr));
  const int found = pcre2_match(pattern.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                text.size(), begin, PCRE2_NO_UTF_CHECK, match.get(), nullptr);
  // Every character is a letter, a number, white space or none of these.
  if (found < 0) throw std::logic_error("GPT-2's pattern does not match: " + message_of(found));
  return pcre2_get_ovector_pointer(match.get())[1];
}

size_t trailing_white_space(std::string_view text) {
  size_t kept = text.size();
  while (kept > 0) {
    const size_t begin = utf8_boundary_before(text, kept - 1);
    if (!is_white_space(utf8_code_point(text.substr(begin)))) break;
    kept = begin;
  }
  return text.size() - kept;
}

}  // namespace linformer
