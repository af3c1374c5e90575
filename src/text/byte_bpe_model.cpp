#include "byte_bpe_model.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "byte_alphabet.h"
#include "gpt2_words.h"

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"
#include "linformer/core/utf8.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {
namespace {

constexpr std::string_view kWordMark = "\xC4\xA0";  // U+0120
constexpr const char* kFix =
    "copy the tokenizer's files again from where the model came, and import it again";

/// The result of merging two neighbours.
struct Merge {
  int32_t rank;
  int32_t id;
};

/// A piece of the current word, linked to its neighbours by index.
struct Symbol {
  int32_t id;
  int32_t previous;
  int32_t next;
};
constexpr int32_t kNone = -1;

/// A pair of neighbours that could be merged: rank, index of the left one. Least first.
using Candidate = std::pair<int32_t, int32_t>;

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

class ByteBpeModel final : public TokenizerModel {
 public:
  ByteBpeModel(std::string_view model_bytes, const std::string& name) : name_(name) {
    ByteBpe bpe = parse_byte_bpe(model_bytes, name);
    mask_takes_white_space_ = bpe.mask_takes_white_space;
    pieces_ = std::move(bpe.vocabulary);
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      if (!ids_.emplace(pieces_[i], id).second)
        fail("the piece '" + pieces_[i] + "' is there twice");
      std::optional<std::string> bytes = bytes_written_as(pieces_[i]);
      if (!bytes) fail("the piece '" + pieces_[i] + "' has characters that stand for no byte");
      bytes_.push_back(std::move(*bytes));
    }
    for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
      byte_ids_[byte] = piece_id(byte_alphabet()[byte]);
    }
    for (const auto& [left, right] : bpe.merges) add_merge(left, right);
  }

  std::vector<std::string> pieces() const override { return pieces_; }
  int32_t piece_id(std::string_view piece) const override {
    const auto found = ids_.find(std::string(piece));
    return found == ids_.end() ? kUnkId : found->second;
  }
  bool is_control(int32_t id) const override { return is_special(id); }
  std::string_view word_mark() const override { return kWordMark; }
  bool marks_first_word() const override { return false; }
  bool mask_takes_white_space() const override { return mask_takes_white_space_; }
  const char* special_ids_fix() const override {
    return "texts need <s> 0, <pad> 1, </s> 2, <unk> 3 and <mask> last, as RoBERTa has them; "
           "without "
           "the tokenizer's files in its folder, the model is imported for input_ids";
  }

  /// GPT-2's words. Blanks and line ends have pieces of their own.
  void for_each_unit(std::string_view text, bool /*continues*/,
                     const TextUnitVisitor& visit) const override {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = gpt2_word_end(text, begin);
      visit({text.substr(begin, end - begin)});
      begin = end;
    }
  }

  void encode(const TextUnit& unit, std::vector<int32_t>& ids) const override {
    encode_word(unit.text, ids);
  }
  void encode(const TextUnit& unit, std::vector<int32_t>& ids,
              std::vector<size_t>& begins) const override {
    size_t encoded = ids.size();
    encode_word(unit.text, ids);
    // An id without a piece stands for one byte.
    for (size_t begin = 0; encoded < ids.size(); ++encoded) {
      begins.push_back(begin);
      begin += ids[encoded] == kUnkId ? 1 : bytes_[static_cast<size_t>(ids[encoded])].size();
    }
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string bytes;
    for (const int32_t id : ids) bytes += bytes_[static_cast<size_t>(id)];
    std::string text;
    append_repaired_utf8(bytes, text);
    return text;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { fail_run(name_, what, kFix); }

  bool is_special(int32_t id) const {
    return id <= kUnkId || id + 1 == static_cast<int32_t>(pieces_.size());
  }

  void add_merge(const std::string& left, const std::string& right) {
    const auto id_of = [&](const std::string& piece) {
      const int32_t id = piece_id(piece);
      if (is_special(id)) {
        fail("the merge '" + left + " " + right + "' needs '" + piece +
             "', which is not an ordinary piece");
      }
      return id;
    };
    const auto rank = static_cast<int32_t>(merges_.size());
    const int32_t merged = id_of(left + right);
    const uint64_t key = pair_key(id_of(left), id_of(right));
    if (!merges_.emplace(key, Merge{rank, merged}).second) {
      fail("the merge '" + left + " " + right + "' is there twice");
    }
  }

  /// The merge of the symbol at `left` with its right neighbour; null if there is none.
  const Merge* merge_at(const std::vector<Symbol>& symbols, int32_t left) const {
    const Symbol& symbol = symbols[static_cast<size_t>(left)];
    if (symbol.next == kNone) return nullptr;
    const int32_t right = symbols[static_cast<size_t>(symbol.next)].id;
    const auto found = merges_.find(pair_key(symbol.id, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

  /// Uses a heap of candidates and linked symbols: n log n for a word of n bytes, since in a
  /// language without blanks a word is a whole sentence.
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const {
    thread_local std::vector<Symbol> symbols;
    thread_local std::vector<Candidate> heap;
    symbols.clear();
    heap.clear();
    const auto size = static_cast<int32_t>(word.size());
    for (int32_t i = 0; i < size; ++i) {
      const auto byte = static_cast<uint8_t>(word[static_cast<size_t>(i)]);
      symbols.push_back({byte_ids_[byte], i - 1, i + 1 < size ? i + 1 : kNone});
    }
    const auto push = [&](int32_t left) {
      if (left == kNone) return;
      const Merge* merge = merge_at(symbols, left);
      if (merge == nullptr) return;
      heap.emplace_back(merge->rank, left);
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    };
    for (int32_t i = 0; i < size; ++i) push(i);
    while (!heap.empty()) {
      const auto [rank, left] = heap.front();
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      heap.pop_back();
      Symbol& symbol = symbols[static_cast<size_t>(left)];
      // Candidates are skipped if a symbol was merged away or has other neighbours by now.
      if (symbol.id == kNone) continue;
      const Merge* merge = merge_at(symbols, left);
      if (merge == nullptr || merge->rank != rank) continue;
      Symbol& right = symbols[static_cast<size_t>(symbol.next)];
      symbol.id = merge->id;
      symbol.next = right.next;
      right.id = kNone;
      if (symbol.next != kNone) symbols[static_cast<size_t>(symbol.next)].previous = left;
      push(symbol.previous);
      push(left);
    }
    for (const Symbol& symbol : symbols) {
      if (symbol.id != kNone) ids.push_back(symbol.id);
    }
  }

  std::string name_;
  bool mask_takes_white_space_ = true;
  std::vector<std::string> pieces_;
  std::vector<std::string> bytes_;  // of each piece
  std::unordered_map<std::string, int32_t> ids_;
  std::array<int32_t, 256> byte_ids_{};
  std::unordered_map<uint64_t, Merge> merges_;  // by pair_key
};

}  // namespace

std::unique_ptr<TokenizerModel> make_byte_bpe_model(std::string_view model_bytes,
                                                    const std::string& name) {
  return std::make_unique<ByteBpeModel>(model_bytes, name);
}

}  // namespace linformer
