#include "linformer/data/token_shard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {

namespace {

static_assert(std::endian::native == std::endian::little,
              "shards are little-endian, read in place");

constexpr std::array<char, 8> kMagic = {'L', 'N', 'F', 'S', 'H', 'A', 'R', 'D'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kLastFlag = 1;
constexpr std::string_view kPrepareAgain =
    "remove the file and run `linformer-data prepare` again; it writes only what is missing";

/// The header's bytes; docs/data-format.md describes them one by one.
struct HeaderBytes {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t bytes_per_id = 0;
  uint32_t shard_index = 0;
  uint32_t flags = 0;
  uint64_t vocab_size = 0;
  uint64_t tokenizer_hash = 0;
  uint64_t settings_fingerprint = 0;
  uint64_t num_documents = 0;
  uint64_t num_sentences = 0;
  uint64_t num_tokens = 0;
  uint64_t text_bytes = 0;
  uint64_t num_invalid_utf8 = 0;
  uint64_t file_bytes = 0;
  uint64_t content_checksum = 0;
  uint64_t header_checksum = 0;  // of all bytes before it
};
static_assert(sizeof(HeaderBytes) == 112);

uint64_t checksum_of(const HeaderBytes& header) {
  return xxh3(
      {reinterpret_cast<const std::byte*>(&header), offsetof(HeaderBytes, header_checksum)});
}

constexpr uint64_t padded(uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

int64_t bytes_per_id_of(int64_t vocab_size) {
  return vocab_size <= 65536 ? 2 : 4;
}

/// Where the sections begin. read_header() has bounded the counts, so nothing overflows.
struct Layout {
  uint64_t sentence_offsets, document_offsets, unigram_counts, end;

  explicit Layout(const HeaderBytes& header) {
    sentence_offsets = sizeof(HeaderBytes) + padded(header.num_tokens * header.bytes_per_id);
    document_offsets = sentence_offsets + padded((header.num_sentences + 1) * 4);
    unigram_counts = document_offsets + padded((header.num_documents + 1) * 4);
    end = unigram_counts + header.vocab_size * 8;
  }
};

/// The index of "NAME-00012.shard"; -1 for another name.
int64_t shard_index_of(const std::string& file_name, const std::string& stem) {
  constexpr std::string_view kSuffix = ".shard";
  std::string_view rest = file_name;
  if (!rest.starts_with(stem + "-") || !rest.ends_with(kSuffix)) return -1;
  rest.remove_prefix(stem.size() + 1);
  if (rest.size() < kSuffix.size() + 5) return -1;
  rest.remove_suffix(kSuffix.size());
  int64_t index = -1;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), index);
  if (result.ec != std::errc() || result.ptr != rest.data() + rest.size()) return -1;
  return rest.size() > 5 && rest[0] == '0' ? -1 : index;
}

}  // namespace

std::string shard_path(const std::string& prefix, int64_t shard_index) {
  std::string digits = std::to_string(shard_index);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return prefix + "-" + digits + ".shard";
}

std::vector<std::pair<int64_t, std::string>> list_shards(const std::string& prefix) {
  const std::filesystem::path path(prefix);
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const std::string stem = path.filename().string();
  std::vector<std::pair<int64_t, std::string>> shards;
  std::error_code error;
  std::filesystem::directory_iterator entry(parent, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
    return shards;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const int64_t index = shard_index_of(entry->path().filename().string(), stem);
    if (index >= 0) shards.emplace_back(index, shard_path(prefix, index));
  }
  if (error) fail_system(parent.string(), "cannot list the folder", error.value());
  std::sort(shards.begin(), shards.end());
  return shards;
}

ShardWriter::ShardWriter(const std::string& path, int64_t shard_index,
                         const ShardSettings& settings)
    : path_(path), file_(path) {
  if (settings.vocab_size <= 0 || settings.vocab_size > std::numeric_limits<int32_t>::max()) {
    fail_run(path, "a vocabulary of " + std::to_string(settings.vocab_size) + " ids",
             "use a tokenizer with 1 to 2,147,483,647 pieces");
  }
  header_.settings = settings;
  header_.shard_index = shard_index;
  header_.bytes_per_id = bytes_per_id_of(settings.vocab_size);
  unigram_counts_.resize(static_cast<size_t>(settings.vocab_size));
  const HeaderBytes empty{};  // commit() overwrites it with the real header
  file_.write(&empty, sizeof(empty));
}

void ShardWriter::write_content(const void* data, size_t size) {
  file_.write(data, size);
  checksum_.update(data, size);
}

void ShardWriter::pad_section() {
  constexpr std::array<char, 8> kZeros{};
  write_content(kZeros.data(), padded(file_.size()) - file_.size());
}

void ShardWriter::write_sentence(std::span<const int32_t> ids) {
  constexpr auto kMostTokens = std::numeric_limits<uint32_t>::max();
  if (static_cast<uint64_t>(header_.num_tokens) + ids.size() > kMostTokens) {
    fail_run(path_, "a shard holds at most " + format_count(kMostTokens) + " tokens",
             "choose smaller shards, and divide documents of that length");
  }
  for (const int32_t id : ids) {
    if (id < 0 || id >= header_.settings.vocab_size) {
      fail_run(path_,
               "token id " + std::to_string(id) + " is outside the vocabulary of " +
                   format_count(header_.settings.vocab_size),
               "prepare with the tokenizer that the vocabulary belongs to");
    }
    ++unigram_counts_[static_cast<size_t>(id)];
  }
  if (header_.bytes_per_id == 2) {
    narrow_ids_.assign(ids.begin(), ids.end());
    write_content(narrow_ids_.data(), narrow_ids_.size() * 2);
  } else {
    write_content(ids.data(), ids.size_bytes());
  }
  header_.num_tokens += static_cast<int64_t>(ids.size());
  ++header_.num_sentences;
  sentence_offsets_.push_back(static_cast<uint32_t>(header_.num_tokens));
}

void ShardWriter::append_document(std::span<const std::vector<int32_t>> sentences,
                                  int64_t text_bytes, int64_t num_invalid_utf8) {
  header_.text_bytes += text_bytes;
  header_.num_invalid_utf8 += num_invalid_utf8;
  const int64_t first_sentence = header_.num_sentences;
  for (const std::vector<int32_t>& sentence : sentences) {
    if (!sentence.empty()) write_sentence(sentence);
  }
  if (header_.num_sentences == first_sentence) return;
  ++header_.num_documents;
  document_offsets_.push_back(static_cast<uint32_t>(header_.num_sentences));
}

void ShardWriter::commit(bool is_last) {
  pad_section();
  write_content(sentence_offsets_.data(), sentence_offsets_.size() * 4);
  pad_section();
  write_content(document_offsets_.data(), document_offsets_.size() * 4);
  pad_section();
  write_content(unigram_counts_.data(), unigram_counts_.size() * 8);
  header_.is_last = is_last;
  header_.content_checksum = checksum_.digest();

  HeaderBytes bytes;
  bytes.bytes_per_id = static_cast<uint32_t>(header_.bytes_per_id);
  bytes.shard_index = static_cast<uint32_t>(header_.shard_index);
  bytes.flags = is_last ? kLastFlag : 0;
  bytes.vocab_size = static_cast<uint64_t>(header_.settings.vocab_size);
  bytes.tokenizer_hash = header_.settings.tokenizer_hash;
  bytes.settings_fingerprint = header_.settings.settings_fingerprint;
  bytes.num_documents = static_cast<uint64_t>(header_.num_documents);
  bytes.num_sentences = static_cast<uint64_t>(header_.num_sentences);
  bytes.num_tokens = static_cast<uint64_t>(header_.num_tokens);
  bytes.text_bytes = static_cast<uint64_t>(header_.text_bytes);
  bytes.num_invalid_utf8 = static_cast<uint64_t>(header_.num_invalid_utf8);
  bytes.file_bytes = file_.size();
  bytes.content_checksum = header_.content_checksum;
  bytes.header_checksum = checksum_of(bytes);
  file_.write_at(0, &bytes, sizeof(bytes));
  file_.commit();
}

ShardReader::ShardReader(const std::string& path) : file_(path) {
  read_header();
}

void ShardReader::fail_damaged(const std::string& what) const {
  fail_run(file_.path(), what, std::string(kPrepareAgain));
}

void ShardReader::read_header() {
  HeaderBytes bytes;
  if (file_.size() == 0) fail_damaged("the file is empty; a token shard was expected");
  if (file_.size() < sizeof(bytes)) {
    fail_damaged("cut short: " + format_count(static_cast<int64_t>(file_.size())) +
                 " bytes are less than a shard's header");
  }
  std::memcpy(&bytes, file_.data(), sizeof(bytes));
  if (bytes.magic != kMagic) {
    fail_run(
        file_.path(), "not a token shard (it does not begin with LNFSHARD)",
        "name shards that `linformer-data prepare` wrote, by their prefix without -00000.shard");
  }
  if (bytes.version != kVersion) {
    fail_run(file_.path(),
             "shard format version " + std::to_string(bytes.version) + ", expected " +
                 std::to_string(kVersion),
             "prepare the data again with this version of the program");
  }
  if (bytes.header_checksum != checksum_of(bytes))
    fail_damaged("damaged: the header does not match its checksum");
  // From here on only a faulty writer can be the cause. Still, nothing may be read out of bounds.
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  const bool sound = (bytes.bytes_per_id == 2 || bytes.bytes_per_id == 4) &&
                     bytes.vocab_size <= kMost / 2 && bytes.num_tokens <= kMost &&
                     bytes.num_sentences <= bytes.num_tokens &&
                     bytes.num_documents <= bytes.num_sentences;
  if (!sound || Layout(bytes).end != bytes.file_bytes)
    fail_damaged("damaged: the counts in the header contradict each other");
  if (file_.size() != bytes.file_bytes) {
    const bool cut = file_.size() < bytes.file_bytes;
    fail_damaged(std::string(cut ? "cut short: " : "too long: ") +
                 format_count(static_cast<int64_t>(file_.size())) + " bytes of " +
                 format_count(static_cast<int64_t>(bytes.file_bytes)));
  }
  header_.settings = {static_cast<int64_t>(bytes.vocab_size), bytes.tokenizer_hash,
                      bytes.settings_fingerprint};
  header_.bytes_per_id = bytes.bytes_per_id;
  header_.shard_index = bytes.shard_index;
  header_.is_last = (bytes.flags & kLastFlag) != 0;
  header_.num_documents = static_cast<int64_t>(bytes.num_documents);
  header_.num_sentences = static_cast<int64_t>(bytes.num_sentences);
  header_.num_tokens = static_cast<int64_t>(bytes.num_tokens);
  header_.text_bytes = static_cast<int64_t>(bytes.text_bytes);
  header_.num_invalid_utf8 = static_cast<int64_t>(bytes.num_invalid_utf8);
  header_.content_checksum = bytes.content_checksum;

  const Layout layout(bytes);
  const std::byte* base = file_.data();
  const std::byte* ids = base + sizeof(HeaderBytes);
  if (bytes.bytes_per_id == 2) {
    narrow_ids_ = {reinterpret_cast<const uint16_t*>(ids), bytes.num_tokens};
  } else {
    wide_ids_ = {reinterpret_cast<const int32_t*>(ids), bytes.num_tokens};
  }
  sentence_offsets_ = {reinterpret_cast<const uint32_t*>(base + layout.sentence_offsets),
                       bytes.num_sentences + 1};
  document_offsets_ = {reinterpret_cast<const uint32_t*>(base + layout.document_offsets),
                       bytes.num_documents + 1};
  unigram_counts_ = {reinterpret_cast<const uint64_t*>(base + layout.unigram_counts),
                     bytes.vocab_size};
}

void ShardReader::verify() const {
  if (xxh3(file_.bytes().subspan(sizeof(HeaderBytes))) != header_.content_checksum)
    fail_damaged("damaged: the content does not match its checksum");
  const auto rises_to = [](std::span<const uint32_t> offsets, int64_t end) {
    return offsets.front() == 0 && offsets.back() == end &&
           std::adjacent_find(offsets.begin(), offsets.end(), std::greater_equal<>()) ==
               offsets.end();
  };
  if (!rises_to(sentence_offsets_, header_.num_tokens) ||
      !rises_to(document_offsets_, header_.num_sentences))
    fail_damaged("damaged: the sentence or document index is out of order");
  const auto known = [this](auto id) {
    return static_cast<int64_t>(id) >= 0 && static_cast<int64_t>(id) < header_.settings.vocab_size;
  };
  if (!std::all_of(narrow_ids_.begin(), narrow_ids_.end(), known) ||
      !std::all_of(wide_ids_.begin(), wide_ids_.end(), known))
    fail_damaged("damaged: a token id is outside the vocabulary");
  std::vector<uint64_t> counts(unigram_counts_.size());
  for (const auto id : narrow_ids_) ++counts[id];
  for (const auto id : wide_ids_) ++counts[static_cast<size_t>(id)];
  if (!std::equal(counts.begin(), counts.end(), unigram_counts_.begin()))
    fail_damaged("damaged: the counts of the tokens are not those of its ids");
}

}  // namespace linformer
