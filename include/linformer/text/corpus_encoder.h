#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/text/document_reader.h"
#include "linformer/text/sentence_splitter.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

struct CorpusOptions {
  std::vector<std::string> inputs;   ///< paths, read in this order; "-" is standard input
  std::optional<TextLayout> layout;  ///< none: guessed from the beginning of each file
  LineEnds line_ends = LineEnds::kBreak;
  /// None: as the layout wants it, which is `<unk>` as its id in WikiText and everything else as
  /// text.
  std::optional<SpecialLiterals> literals;
  BadLines bad_lines = BadLines::kRefuse;
  /// A shard ends with the document at which its text, as stored, reaches this size.
  uint64_t shard_text_bytes = uint64_t{64} << 20;
  int threads = 1;  ///< encoding threads; the result does not depend on it
};

/// Version of the encoding: the ids of a corpus depend on it besides the options and the tokenizer.
/// Raise it when the same text gets other ids. 2: ids of whole texts.
inline constexpr int kCorpusEncodingVersion = 2;

/// Counts over several documents.
struct CorpusCounts {
  uint64_t documents = 0;
  uint64_t empty_documents = 0;  ///< left out, e.g. a JSON object whose text is blank
  uint64_t no_text = 0;          ///< left out: a JSON object whose text is null
  uint64_t bad_lines = 0;        ///< left out as CorpusOptions::bad_lines says
  uint64_t sentences = 0;
  uint64_t tokens = 0;
  uint64_t text_bytes = 0;  ///< of the documents' text (JSON unpacked, UTF-8 repaired)
  uint64_t invalid_utf8 = 0;
  uint64_t cuts = 0;  ///< documents that were too long and were cut into parts

  CorpusCounts& operator+=(const CorpusCounts& other);
  bool operator==(const CorpusCounts&) const = default;
};

/// Several encoded documents, in the order of the input. Lengths are stored one after the other:
/// document d has document_sentences[d] sentences; sentence s has sentence_tokens[s] tokens.
struct EncodedDocuments {
  uint64_t shard = 0;
  std::vector<int32_t> tokens;
  std::vector<uint32_t> sentence_tokens;
  std::vector<uint32_t> document_sentences;
  std::vector<uint64_t> document_bytes;         ///< of text
  std::vector<uint32_t> document_invalid_utf8;  ///< malformed sequences in it
  CorpusCounts counts;
};

/// The end of a shard's text.
struct ShardText {
  uint64_t shard = 0;
  uint64_t stored_bytes = 0;  ///< of its documents as stored
  bool is_last = false;       ///< no document follows
};

/// Receives what encode_corpus() delivers. take() and end_shard() are called on the caller's
/// thread, in input order.
class CorpusSink {
 public:
  virtual ~CorpusSink() = default;
  virtual void take(const EncodedDocuments& documents) = 0;
  virtual void end_shard(const ShardText& text) = 0;
  /// Asked before encoding: false skips the documents of this shard (end_shard() is called all the
  /// same). Called on the reading thread.
  virtual bool wants(uint64_t shard) const = 0;
  /// Called about ten times a second. `consumed_bytes` counts stored input bytes; an exception
  /// thrown here (or in take and end_shard) stops everything.
  virtual void progress(uint64_t consumed_bytes) = 0;
};

/// Reads, divides and encodes a corpus with one reading thread and options.threads encoding
/// threads. The caller's thread hands the results to `sink` in order. Memory is bounded by a few
/// chunks of text per thread. What the sink gets depends only on the inputs and the options other
/// than `threads`. If reading or encoding throws, the exception of the earliest text is thrown.
///
/// A document's ids are those of its whole text (Tokenizer::encode()), as fine-tuning and
/// prediction encode it. They are cut into sentences afterwards, so that packing can keep sentences
/// whole. If line ends are joined, each counts as one blank together with the white space around
/// it.
///
/// Returns the layout of each input.
std::vector<TextLayout> encode_corpus(const CorpusOptions& options, const Tokenizer& tokenizer,
                                      CorpusSink& sink);

}  // namespace linformer
