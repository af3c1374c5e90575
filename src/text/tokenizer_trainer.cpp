#include "linformer/text/tokenizer_trainer.h"

#include <exception>
#include <thread>
#include <unordered_map>
#include <utility>

#include <sentencepiece_trainer.h>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/random.h"
#include "linformer/text/special_tokens.h"

namespace linformer {

namespace {

// SentencePiece's trainer skips longer sentences; they are rare and add nothing new.
constexpr size_t kMaxSentenceBytes = 16384;
constexpr int64_t kSentencesBetweenQuestions = 4096;

/// Third key of the stream that draws sentences; the sample corpus has the values below it.
constexpr uint64_t kSentenceDraw = 3;

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
  /// The exception that ended the reading, if one did: it may not pass through the library.
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
    do {
      while (next_sentence_ == sentences_.size()) {
        if (!read_document()) {
          done_ = true;
          return;
        }
      }
      sentence_ = sentences_[next_sentence_++];
    } while (sentence_.size() > kMaxSentenceBytes);
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
    result_.invalid_utf8 +=
        append_document_text(document, reader_->layout(), options_.inputs[next_input_], text_);
    split_sentences(text_, options_.line_ends, sentences_);
    ++result_.documents;
    result_.text_bytes += text_.size();
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
  if (options.threads < 1 || options.threads > 1024) {
    fail_usage("--threads", std::to_string(options.threads) + " is out of range",
               "choose 1 to 1024");
  }
  if (options.sample_sentences < 0) {
    fail_usage("--sample-sentences", "may not be negative", "choose 0 for all sentences");
  }
  for (const std::string& input : options.inputs) check_input(input);
}

/// Turns the trainer's message into one that says what to do.
[[noreturn]] void fail_training(const TokenizerTraining& options, const std::string& message) {
  if (message.find("ocabulary size") != std::string::npos ||
      message.find("vocab_size") != message.npos) {
    fail_usage("--vocab-size",
               std::to_string(options.vocab_size) + " does not suit this text (" + message + ")",
               "choose the size that the message names, or give more text");
  }
  fail_run("tokenizer training", message, "check the text and the options");
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
  // The library's random generator belongs to a thread and takes its seed when first used: a new
  // thread makes the seed count also for a second training in the same process.
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
  if (!message.empty()) fail_training(options, message);
  result.model_bytes = append_mask_piece(std::move(result.model_bytes));
  return result;
}

}  // namespace linformer
