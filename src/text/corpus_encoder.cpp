#include "linformer/text/corpus_encoder.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "linformer/text/text_encoder.h"

namespace linformer {

namespace {

// Large enough that locks cost nothing, small enough that threads share the last chunks evenly.
constexpr size_t kChunkBytes = size_t{1} << 18;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

struct StoredDocument {
  size_t begin = 0;
  size_t length = 0;
  uint64_t line = 0;
  bool continues = false;
};

/// Documents of one file and one shard on their way: read, encoded, delivered.
struct Chunk {
  uint64_t sequence = 0;
  size_t input = 0;
  TextLayout layout = TextLayout::kLines;
  std::string stored;
  std::vector<StoredDocument> documents;
  EncodedDocuments encoded;
  std::optional<ShardText> shard_end;  // the shard ends after these documents
  std::exception_ptr error;
};

/// Passes chunks between reader, encoders and the caller. At most `capacity` chunks exist at a
/// time.
class ChunkQueue {
 public:
  explicit ChunkQueue(size_t capacity) : capacity_(capacity) {}

  /// False if everything was stopped.
  bool push(Chunk chunk) {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [&] { return stopped_ || under_way_ < capacity_; });
    if (stopped_) return false;
    ++under_way_;
    waiting_.push_back(std::move(chunk));
    work_.notify_one();
    return true;
  }
  void finish_reading(uint64_t num_chunks) {
    const std::scoped_lock lock(mutex_);
    num_chunks_ = num_chunks;
    work_.notify_all();
    done_.notify_all();
  }
  std::optional<Chunk> take_work() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] { return stopped_ || !waiting_.empty() || num_chunks_; });
    if (stopped_ || waiting_.empty()) return std::nullopt;
    Chunk chunk = std::move(waiting_.front());
    waiting_.pop_front();
    return chunk;
  }
  void put_result(Chunk chunk) {
    const std::scoped_lock lock(mutex_);
    const uint64_t sequence = chunk.sequence;
    results_.emplace(sequence, std::move(chunk));
    done_.notify_all();
  }

  enum class Wait { kChunk, kTimeout, kEnd };
  /// The result number `sequence`, in order.
  Wait take_result(uint64_t sequence, Chunk& chunk) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
      return results_.contains(sequence) || (num_chunks_ && sequence >= *num_chunks_);
    };
    if (!done_.wait_for(lock, kProgressInterval, ready)) return Wait::kTimeout;
    const auto found = results_.find(sequence);
    if (found == results_.end()) return Wait::kEnd;
    chunk = std::move(found->second);
    results_.erase(found);
    --under_way_;
    space_.notify_one();
    return Wait::kChunk;
  }
  void stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    space_.notify_all();
    work_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable space_, work_, done_;
  std::deque<Chunk> waiting_;
  std::map<uint64_t, Chunk> results_;
  size_t under_way_ = 0;
  std::optional<uint64_t> num_chunks_;
  bool stopped_ = false;
};

/// The reading thread: cuts the inputs into chunks and shards.
class Reader {
 public:
  Reader(const CorpusOptions& options, const CorpusSink& sink, ChunkQueue& queue,
         std::atomic<uint64_t>& consumed)
      : options_(options), sink_(sink), queue_(queue), consumed_(consumed) {}

  void run() {
    try {
      start_shard(0);
      for (input_ = 0; input_ < options_.inputs.size() && !stopped_; ++input_) read_input();
      if (!stopped_) end_shard(/*is_last=*/true);
    } catch (...) {
      chunk_ = Chunk{};
      chunk_.error = std::current_exception();
      send();
    }
    queue_.finish_reading(sequence_);
  }

  /// The layouts of the inputs, complete once all are read.
  const std::vector<TextLayout>& layouts() const { return layouts_; }

 private:
  void read_input() {
    DocumentReader reader(options_.inputs[input_], options_.layout);
    chunk_.input = input_;
    chunk_.layout = reader.layout();
    layouts_.push_back(reader.layout());
    uint64_t cuts = 0;
    while (!stopped_) {
      const auto document = reader.next();
      consumed_ = finished_bytes_ + reader.consumed_bytes();
      if (!document) break;
      add(*document, reader.cuts() - cuts);
      cuts = reader.cuts();
    }
    finished_bytes_ += reader.consumed_bytes();
    if (!chunk_.documents.empty()) send();
  }

  void add(const RawDocument& document, uint64_t new_cuts) {
    // Only now is it known that the shard before this document is not the last one.
    if (shard_stored_bytes_ >= options_.shard_text_bytes) {
      end_shard(/*is_last=*/false);
      start_shard(shard_ + 1);
    }
    shard_stored_bytes_ += document.text.size();
    if (wanted_) {
      chunk_.documents.push_back(
          {chunk_.stored.size(), document.text.size(), document.line, document.continues});
      chunk_.stored += document.text;
      chunk_.encoded.counts.cuts += new_cuts;
    }
    if (chunk_.stored.size() >= kChunkBytes) {
      send();
    }
  }

  void start_shard(uint64_t shard) {
    shard_ = shard;
    shard_stored_bytes_ = 0;
    wanted_ = sink_.wants(shard);
  }

  void end_shard(bool is_last) {
    chunk_.shard_end = ShardText{shard_, shard_stored_bytes_, is_last};
    send();
  }

  void send() {
    if (chunk_.documents.empty() && !chunk_.shard_end && !chunk_.error) return;
    const TextLayout layout = chunk_.layout;
    chunk_.sequence = sequence_++;
    chunk_.encoded.shard = shard_;
    stopped_ = !queue_.push(std::move(chunk_));
    chunk_ = Chunk{};
    chunk_.input = input_;
    chunk_.layout = layout;
  }

  const CorpusOptions& options_;
  const CorpusSink& sink_;
  ChunkQueue& queue_;
  std::atomic<uint64_t>& consumed_;
  std::vector<TextLayout> layouts_;
  Chunk chunk_;
  uint64_t sequence_ = 0;
  size_t input_ = 0;
  uint64_t finished_bytes_ = 0;
  uint64_t shard_ = 0;
  uint64_t shard_stored_bytes_ = 0;
  bool wanted_ = true;
  bool stopped_ = false;
};

/// The work of an encoding thread on each chunk.
class Worker {
 public:
  Worker(const CorpusOptions& options, const Tokenizer& tokenizer)
      : options_(options), encoder_(tokenizer) {}

  void encode(Chunk& chunk) {
    for (const StoredDocument& stored : chunk.documents) {
      const std::string_view text(chunk.stored.data() + stored.begin, stored.length);
      encode_document({text, stored.line, stored.continues}, chunk);
    }
    chunk.stored = {};
    chunk.documents = {};
  }

 private:
  void encode_document(const RawDocument& document, Chunk& chunk) {
    CorpusCounts& counts = chunk.encoded.counts;
    text_.clear();
    uint64_t num_invalid = 0;
    const DocumentContent content =
        append_document_text(document, chunk.layout, options_.inputs[chunk.input],
                             options_.bad_lines, text_, num_invalid);
    counts.no_text += content == DocumentContent::kNoText ? 1 : 0;
    counts.bad_lines += content == DocumentContent::kBadLine ? 1 : 0;
    if (content != DocumentContent::kText) return;
    counts.invalid_utf8 += num_invalid;
    const size_t text_bytes = text_.size();
    if (options_.line_ends == LineEnds::kJoin) join_line_ends(text_);
    const uint32_t num_sentences = encode_text(document.continues, chunk);
    if (num_sentences == 0) {
      ++counts.empty_documents;
      return;
    }
    chunk.encoded.document_sentences.push_back(num_sentences);
    chunk.encoded.document_bytes.push_back(text_bytes);
    chunk.encoded.document_invalid_utf8.push_back(static_cast<uint32_t>(num_invalid));
    ++counts.documents;
    counts.sentences += num_sentences;
    counts.text_bytes += text_bytes;
  }

  /// Encodes the whole text_ at once and cuts its ids at the ends of sentences. Returns how many
  /// sentences have ids. A sentence of control characters alone has none, and a blank text has
  /// none.
  uint32_t encode_text(bool continues, Chunk& chunk) {
    sentences_.clear();
    split_sentences(text_, options_.line_ends, sentences_);
    if (sentences_.empty()) return 0;
    cuts_.clear();
    for (size_t s = 0; s + 1 < sentences_.size(); ++s) {
      const std::string_view sentence = sentences_[s];
      cuts_.push_back(static_cast<size_t>(sentence.data() - text_.data()) + sentence.size());
    }
    const SpecialLiterals by_layout = chunk.layout == TextLayout::kWikitext
                                          ? SpecialLiterals::kUnkAsId
                                          : SpecialLiterals::kAsText;
    EncodedDocuments& out = chunk.encoded;
    const size_t before = out.tokens.size();
    counts_.clear();
    encoder_.encode(text_, {options_.literals.value_or(by_layout), continues}, cuts_, out.tokens,
                    counts_);
    uint32_t num_sentences = 0;
    for (const uint32_t count : counts_) {
      if (count == 0) continue;
      out.sentence_tokens.push_back(count);
      ++num_sentences;
    }
    out.counts.tokens += out.tokens.size() - before;
    return num_sentences;
  }

  const CorpusOptions& options_;
  TextEncoder encoder_;
  std::string text_;
  std::vector<std::string_view> sentences_;
  std::vector<size_t> cuts_;      // in text_, where sentences but the last end
  std::vector<uint32_t> counts_;  // of ids between them
};

void encode_chunks(const CorpusOptions& options, const Tokenizer& tokenizer, ChunkQueue& queue) {
  std::optional<Worker> worker;
  while (auto chunk = queue.take_work()) {
    try {
      if (!worker) worker.emplace(options, tokenizer);
      if (!chunk->error) worker->encode(*chunk);
    } catch (...) {
      chunk->error = std::current_exception();
    }
    queue.put_result(std::move(*chunk));
  }
}

/// Joins the threads, even if the caller leaves by an exception.
class Threads {
 public:
  explicit Threads(ChunkQueue& queue) : queue_(queue) {}
  ~Threads() {
    queue_.stop();
    for (std::thread& thread : threads_) thread.join();
  }
  template <class Function>
  void start(Function&& function) {
    threads_.emplace_back(std::forward<Function>(function));
  }

 private:
  ChunkQueue& queue_;
  std::vector<std::thread> threads_;
};

}  // namespace

CorpusCounts& CorpusCounts::operator+=(const CorpusCounts& other) {
  documents += other.documents;
  empty_documents += other.empty_documents;
  sentences += other.sentences;
  tokens += other.tokens;
  text_bytes += other.text_bytes;
  no_text += other.no_text;
  bad_lines += other.bad_lines;
  invalid_utf8 += other.invalid_utf8;
  cuts += other.cuts;
  return *this;
}

std::vector<TextLayout> encode_corpus(const CorpusOptions& options, const Tokenizer& tokenizer,
                                      CorpusSink& sink) {
  const int num_workers = std::max(1, options.threads);
  ChunkQueue queue(static_cast<size_t>(num_workers) * 3 + 1);
  std::atomic<uint64_t> consumed{0};
  Reader reader(options, sink, queue, consumed);
  Threads threads(queue);
  threads.start([&] { reader.run(); });
  for (int i = 0; i < num_workers; ++i) {
    threads.start([&] { encode_chunks(options, tokenizer, queue); });
  }
  auto last_progress = std::chrono::steady_clock::now();
  Chunk chunk;
  for (uint64_t sequence = 0;;) {
    const auto wait = queue.take_result(sequence, chunk);
    if (wait == ChunkQueue::Wait::kEnd) return reader.layouts();
    if (wait == ChunkQueue::Wait::kChunk) {
      ++sequence;
      if (chunk.error) std::rethrow_exception(chunk.error);
      if (chunk.encoded.counts != CorpusCounts{}) sink.take(chunk.encoded);
      if (chunk.shard_end) sink.end_shard(*chunk.shard_end);
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - last_progress >= kProgressInterval) {
      last_progress = now;
      sink.progress(consumed);
    }
  }
}

}  // namespace linformer
