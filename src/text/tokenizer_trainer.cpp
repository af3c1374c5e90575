#include "linformer/text/tokenizer_trainer.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include <sentencepiece_trainer.h>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/processors.h"
#include "linformer/core/random.h"
#include "linformer/core/special_tokens.h"
#include "linformer/core/utf8.h"

namespace linformer {

namespace {

// SentencePiece's trainer silently skips longer sentences, and sentences with its own sign for an
// unknown character, U+2585.
constexpr size_t kMaxSentenceBytes = 16384;
constexpr std::string_view kUnknownSign = "\xE2\x96\x85";
constexpr int64_t kSentencesBetweenQuestions = 4096;

/// Third key of the stream that draws sentences; the sample corpus uses the values below it.
constexpr uint64_t kSentenceDraw = 3;

/// Whether some normaliser keeps anything of a text. Without any word, SentencePiece ends the
/// program.
bool has_characters(std::string_view text) {
  for (size_t length; !text.empty(); text.remove_prefix(length)) {
    length = std::max<size_t>(utf8_character_length(text), 1);
    const uint32_t c = utf8_code_point(text.substr(0, length));
    const bool is_blank = c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 ||
                          (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
                          c == 0x205F || c == 0x2581 || c == 0x3000 || c == 0xFEFF || c == 0xFFFD;
    if (!is_blank) return true;
  }
  return false;
}

/// Feeds sentences of all inputs to SentencePiece's trainer: all of them as they are read, or a
/// uniform sample (Vitter's algorithm R). The library's own sampling has a fixed seed.
class CorpusSentences : public sentencepiece::SentenceIterator {
 public:
  CorpusSentences(const TokenizerTraining& options, TrainedTokenizer& result,
                  const std::function<bool(uint64_t)>& keep_going)
      : options_(options), result_(result), keep_going_(keep_going) {
    Next();
    if (options.sample_sentences > 0) draw_sample();
  }

  bool done() const override { return done_; }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }
  /// The exception that ended the reading, if any. It must not pass through the library.
  std::exception_ptr error() const { return error_; }

  void Next() override {
    try {
      if (sampled_) {
        advance_in_sample();
      } else {
        advance();
      }
    } catch (...) {
      error_ = std::current_exception();
      done_ = true;
    }
  }

 private:
  void draw_sample() {
    RandomStream random(RandomPurpose::kSampleCorpus, {options_.seed, kSentenceDraw});
    const auto size = static_cast<size_t>(options_.sample_sentences);
    for (uint64_t seen = 0; !done_; ++seen, Next()) {
      if (sample_.size() < size) {
        sample_.push_back(sentence_);
      } else if (const uint64_t place = random.below(seen + 1); place < size) {
        sample_[place] = sentence_;
      }
    }
    sampled_ = true;
    if (error_) return;
    done_ = false;
    Next();
  }

  void advance_in_sample() {
    done_ = next_in_sample_ == sample_.size();
    if (!done_) sentence_ = std::move(sample_[next_in_sample_++]);
  }

  void advance() {
    while (next_sentence_ == sentences_.size()) {
      if (!read_document()) {
        done_ = true;
        return;
      }
    }
    sentence_ = sentences_[next_sentence_++];
    ++result_.sentences;
    if (result_.sentences % kSentencesBetweenQuestions == 0) {
      const uint64_t consumed = finished_bytes_ + (reader_ ? reader_->consumed_bytes() : 0);
      if (!keep_going_(consumed)) fail_run("tokenizer training", "stopped", "run it again");
    }
  }

  bool read_document() {
    while (true) {
      if (!reader_) {
        if (next_input_ == options_.inputs.size()) return false;
        reader_ = std::make_unique<DocumentReader>(options_.inputs[next_input_], options_.layout);
        result_.layouts.push_back(reader_->layout());
      }
      if (const auto document = reader_->next()) {
        take(*document);
        return true;
      }
      finished_bytes_ += reader_->consumed_bytes();
      reader_.reset();
      ++next_input_;
    }
  }

  void take(const RawDocument& document) {
    text_.clear();
    sentences_.clear();
    next_sentence_ = 0;
    const DocumentContent content =
        append_document_text(document, reader_->layout(), options_.inputs[next_input_],
                             options_.bad_lines, text_, result_.invalid_utf8);
    result_.no_text += content == DocumentContent::kNoText ? 1 : 0;
    result_.bad_lines += content == DocumentContent::kBadLine ? 1 : 0;
    if (content != DocumentContent::kText) return;
    split_text();
    ++result_.documents;
    result_.text_bytes += text_.size();
  }

  /// Fills sentences_ with text that SentencePiece can learn from: all of text_ but its white
  /// space.
  void split_text() {
    std::vector<std::string_view> split;
    split_sentences(text_, options_.line_ends, split);
    for (size_t first = 0; first < split.size();) {
      size_t last = first;
      while (last + 1 < split.size() && end_of(split[last]) == split[last + 1].data()) ++last;
      const char* begin = split[first].data();
      add({begin, static_cast<size_t>(end_of(split[last]) - begin)});
      first = last + 1;
    }
  }

  static const char* end_of(std::string_view sentence) { return sentence.data() + sentence.size(); }

  void add(std::string_view sentence) {
    for (size_t at = sentence.find(kUnknownSign); at != sentence.npos;
         at = sentence.find(kUnknownSign)) {
      add_in_parts(sentence.substr(0, at));
      sentence.remove_prefix(at + kUnknownSign.size());
    }
    add_in_parts(sentence);
  }

  void add_in_parts(std::string_view sentence) {
    result_.cut_sentences += sentence.size() > kMaxSentenceBytes ? 1 : 0;
    while (sentence.size() > kMaxSentenceBytes) {
      const size_t length = length_of_piece(sentence, kMaxSentenceBytes);
      sentences_.push_back(sentence.substr(0, length));
      sentence.remove_prefix(length);
    }
    if (has_characters(sentence)) sentences_.push_back(sentence);
  }

  const TokenizerTraining& options_;
  TrainedTokenizer& result_;
  const std::function<bool(uint64_t)>& keep_going_;
  std::unique_ptr<DocumentReader> reader_;
  size_t next_input_ = 0;
  uint64_t finished_bytes_ = 0;
  std::string text_;
  std::vector<std::string_view> sentences_;
  size_t next_sentence_ = 0;
  std::string sentence_;
  std::vector<std::string> sample_;
  size_t next_in_sample_ = 0;
  bool sampled_ = false;
  bool done_ = false;
  std::exception_ptr error_;
};

std::unordered_map<std::string, std::string> trainer_arguments(const TokenizerTraining& options) {
  const auto text = [](auto number) { return std::to_string(number); };
  return {
      {"model_type", options.type == TokenizerType::kBpe ? "bpe" : "unigram"},
      {"vocab_size", text(options.vocab_size - 1)},  // <mask> is appended afterwards
      {"bos_id", text(kBosId)},
      {"pad_id", text(kPadId)},
      {"eos_id", text(kEosId)},
      {"unk_id", text(kUnkId)},
      {"byte_fallback", options.byte_fallback ? "true" : "false"},
      {"character_coverage", text(options.character_coverage)},
      {"normalization_rule_name", options.normalization},
      {"max_sentence_length", text(kMaxSentenceBytes)},
      {"num_threads", text(options.threads)},
      {"minloglevel", "2"},
  };
}

void check_options(const TokenizerTraining& options) {
  if (options.inputs.empty()) {
    fail_usage("--input", "no text to train on", "name one or more text files");
  }
  const int smallest = options.byte_fallback ? 256 + 64 : 64;
  if (options.vocab_size < smallest || options.vocab_size > 1'000'000) {
    fail_usage("--vocab-size", std::to_string(options.vocab_size) + " is out of range",
               "choose " + std::to_string(smallest) + " to 1000000, for example 16000");
  }
  if (!(options.character_coverage > 0.9 && options.character_coverage <= 1.0)) {
    fail_usage("--character-coverage",
               format_number(options.character_coverage, 6) + " is out of range",
               "choose more than 0.9 and at most 1, for example 0.9995");
  }
  check_threads("--threads", options.threads);
  if (options.sample_sentences < 0) {
    fail_usage("--sample-sentences", "may not be negative", "choose 0 for all sentences");
  }
  for (const std::string& input : options.inputs) check_input(input);
}

/// The number after `mark` in a message.
std::optional<int64_t> number_behind(const std::string& message, std::string_view mark) {
  const size_t at = message.find(mark);
  if (at == message.npos) return std::nullopt;
  int64_t number = 0;
  const char* end = message.data() + message.size();
  const auto parsed = std::from_chars(message.data() + at + mark.size(), end, number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// Translates the trainer's message, which counts pieces without <mask>.
[[noreturn]] void fail_training(const TokenizerTraining& options, const TrainedTokenizer& result,
                                const std::string& message) {
  log_debug("SentencePiece: " + message);
  if (result.sentences == 0) {
    fail_run("--input", "the text has no sentence to learn from", "look at the files");
  }
  const std::string size = std::to_string(options.vocab_size) + " does not suit this text";
  if (const auto most = number_behind(message, "Please set it to a value <= ")) {
    fail_usage("--vocab-size", size + ", which fills " + format_count(*most + 1) + " pieces",
               "choose at most that, or give more text");
  }
  if (const auto least = number_behind(message, " vs ")) {
    fail_usage("--vocab-size",
               size + ", whose characters alone need " + format_count(*least + 1) + " pieces",
               "choose more than that, or a lower --character-coverage");
  }
  fail_run("tokenizer training",
           "SentencePiece found no pieces in the text's " + format_count(result.sentences) +
               " sentences",
           "give text with words in it, or more of it");
}

}  // namespace

TokenizerType tokenizer_type_of(const std::string& name) {
  if (name == "unigram") return TokenizerType::kUnigram;
  if (name == "bpe") return TokenizerType::kBpe;
  fail_usage("--type", "unknown tokenizer type '" + name + "'", "choose unigram or bpe");
}

std::string append_mask_piece(std::string model_bytes) {
  // ModelProto.pieces is field 1; SentencePiece has piece (1, string), score (2, float) and type
  // (3, enum), of which CONTROL is 3.
  const std::string_view name = "<mask>";
  std::string record = "\x0A";
  record += static_cast<char>(name.size());
  record += name;
  record += std::string("\x15\0\0\0\0", 5);  // score 0
  record += "\x18\x03";
  model_bytes += "\x0A";
  model_bytes += static_cast<char>(record.size());
  model_bytes += record;
  return model_bytes;
}

TrainedTokenizer train_tokenizer(const TokenizerTraining& options,
                                 const std::function<bool(uint64_t)>& keep_going) {
  check_options(options);
  TrainedTokenizer result;
  std::string message;
  std::exception_ptr error;
  // The library's random generator belongs to a thread and is seeded at first use. With a new
  // thread, the seed also applies to a second training in the same process.
  std::thread trainer([&] {
    try {
      sentencepiece::SetRandomGeneratorSeed(options.seed);
      CorpusSentences sentences(options, result, keep_going);
      const auto status = sentencepiece::SentencePieceTrainer::Train(
          trainer_arguments(options), &sentences, &result.model_bytes);
      error = sentences.error();
      if (!status.ok()) message = status.ToString();
    } catch (...) {
      error = std::current_exception();
    }
  });
  trainer.join();
  if (error) std::rethrow_exception(error);
  if (!message.empty()) fail_training(options, result, message);
  result.model_bytes = append_mask_piece(std::move(result.model_bytes));
  return result;
}

}  // namespace linformer
