// Shared code of the linformer-predict commands that answer line by line.
#include "predict_stream.h"

#include <cstdio>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "option_checks.h"
#include "predict_tables.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/report/progress.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

constexpr int64_t kMostWarnings = 5;

/// Counts and logs errors and changes; the first few lines are logged one by one.
class StreamNotes {
 public:
  void note(const TextRequest& request) {
    ++lines_;
    if (!request.error.empty() && errors_++ == 0) first_error_ = request;
    if (request.truncated && cut_++ < kMostWarnings) {
      log_warning(request.where() + ": longer than a sequence may be, and was cut");
    }
    if (request.repaired_utf8 > 0 && repaired_++ < kMostWarnings) {
      log_warning(request.where() + ": not valid UTF-8; " + std::to_string(request.repaired_utf8) +
                  " places were replaced by U+FFFD");
    }
  }

  void finish() const {
    if (cut_ > kMostWarnings) log_warning("in all, " + format_count(cut_) + " lines were cut");
    if (repaired_ > kMostWarnings) {
      log_warning("in all, " + format_count(repaired_) + " lines were not valid UTF-8");
    }
    if (errors_ == 0) return;
    fail_run(first_error_.where(),
             first_error_.error + " (" + format_count(errors_) + " of " + format_count(lines_) +
                 " lines could not be answered)",
             "correct the lines that have an error in the output");
  }

 private:
  int64_t lines_ = 0;
  int64_t errors_ = 0;
  int64_t cut_ = 0;
  int64_t repaired_ = 0;
  TextRequest first_error_;
};

/// Stored bytes of all inputs; 0 where one of them is a pipe.
uint64_t stored_bytes(const std::vector<std::string>& inputs) {
  uint64_t total = 0;
  for (const std::string& input : inputs) {
    const uint64_t bytes = input == "-" ? 0 : check_input(input);
    if (bytes == 0) return 0;
    total += bytes;
  }
  return total;
}

/// Says how far the answers to files are. Where the answers themselves go to a terminal, they show
/// it.
class StreamProgress {
 public:
  explicit StreamProgress(const std::vector<std::string>& inputs)
      : total_(::isatty(STDOUT_FILENO) == 1 ? 0 : stored_bytes(inputs)),
        line_("answering", 0, "lines") {}

  void update(size_t answered, uint64_t consumed) {
    done_ += static_cast<int64_t>(answered);
    if (total_ == 0) return;
    line_.update_share(done_, static_cast<double>(consumed) / static_cast<double>(total_));
  }

 private:
  uint64_t total_;
  int64_t done_ = 0;
  WorkProgress line_;
};

TextRequests open_requests(const StreamArguments& arguments, RequestKind kind,
                           const ModelConfig& config, const Tokenizer& tokenizer) {
  if (!arguments.texts.empty() && !arguments.inputs.empty()) {
    fail_usage("--text", "cannot be given together with --input", "leave one of both out");
  }
  RequestOptions options;
  options.kind = kind;
  const InputKind input = input_kind_of(arguments);
  options.json_lines = input == InputKind::kJsonLines;
  if (!arguments.text_column.empty()) options.text_key = arguments.text_column;
  if (!arguments.pair_column.empty()) options.pair_key = arguments.pair_column;
  options.max_sequence_length = arguments.max_sequence_length > 0 ? arguments.max_sequence_length
                                                                  : config.max_sequence_length;
  if (options.max_sequence_length > config.max_sequence_length) {
    fail_usage("--max-sequence-length",
               std::to_string(options.max_sequence_length) + ", the model takes at most " +
                   std::to_string(config.max_sequence_length),
               "leave it out");
  }
  options.truncation = arguments.truncation.value_or(Truncation::kHead);
  options.type_vocab_size = config.type_vocab_size;
  options.look_ahead = static_cast<size_t>(arguments.look_ahead);
  if (!arguments.texts.empty()) return {tokenizer, options, arguments.texts};
  if (input == InputKind::kTable) {
    return {tokenizer, options, request_tables(arguments)};
  }
  return {tokenizer, options,
          LineStream(arguments.inputs.empty() ? std::vector<std::string>{"-"} : arguments.inputs)};
}

/// Somebody types the texts and reads the answers on a terminal.
bool is_conversation(const StreamArguments& arguments) {
  const bool standard_input = arguments.inputs.empty() || arguments.inputs.front() == "-";
  return arguments.texts.empty() && standard_input && isatty(STDIN_FILENO) == 1 &&
         isatty(STDOUT_FILENO) == 1;
}

/// Shows a prompt and waits for a line. False: Ctrl-C came instead.
bool wait_for_line() {
  constexpr int kMilliseconds = 200;
  std::fprintf(stderr, "> ");
  std::fflush(stderr);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (stop_signal() == 0) {
    if (::poll(&input, 1, kMilliseconds) > 0) return true;
  }
  return false;
}

std::string json_line(const TextRequest& request, const nlohmann::ordered_json& answer,
                      bool with_input) {
  nlohmann::ordered_json object;
  if (with_input) object["file"] = request.input;
  object["line"] = request.line;
  if (request.error.empty()) {
    object["text"] = request.text;
    if (request.text_pair) object["text_pair"] = *request.text_pair;
    object.update(answer);
  } else {
    object["error"] = request.error;
  }
  if (request.truncated) object["truncated"] = true;
  if (request.repaired_utf8 > 0) object["repaired_utf8"] = request.repaired_utf8;
  return json_text(object);
}

}  // namespace

void add_stream_options(CLI::App& command, StreamArguments& arguments) {
  command
      .add_option(
          "--checkpoint", arguments.checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  command.add_option("--text", arguments.texts, "a text; may be given several times");
  command.add_option(
      "--input", arguments.inputs,
      "files (.txt, .jsonl, .tsv, .csv, .zst, .gz); - or nothing: standard input, a text a line");
  command
      .add_option("--input-format", arguments.input_format,
                  "text (a line each), json-lines ({\"text\": \"...\"}), table, or auto: by the "
                  "file's name")
      ->check(takes_one_of({"auto", "text", "json-lines", "table"}))
      ->capture_default_str();
  command.add_option("--text-column", arguments.text_column,
                     "column of a table or key of JSON lines that has the text; if left out, for "
                     "a table as in the fine-tuning, for JSON lines \"text\"");
  command.add_option("--pair-column", arguments.pair_column, "the second text of a pair");
  command.add_flag("--no-header", arguments.no_header,
                   "the table has no header: columns are numbers from 0");
  command.add_option("--top-k", arguments.top_k, "most probable answers to show")
      ->check(takes_above_zero())
      ->capture_default_str();
  command.add_option("--batch-size", arguments.batch_size, "rows at a time")
      ->check(takes_above_zero())
      ->capture_default_str();
  command
      .add_option("--look-ahead", arguments.look_ahead,
                  "largest number of lines to read ahead, so that lines of similar length are "
                  "computed together")
      ->check(takes_above_zero())
      ->capture_default_str();
  command
      .add_option(
          "--max-sequence-length", arguments.max_sequence_length,
          "tokens of a row; 0 = the model's n, or what the fine-tuning of a classifier took")
      ->check(takes_zero_or_at_least(8));
  add_compute_options(command, arguments.compute);
  add_precision_option(command, arguments.precision);
  command.add_flag("--json", arguments.json, "print a JSON object a line");
}

std::vector<InputRow> take_rows(std::vector<TextRequest>& window) {
  std::vector<InputRow> rows;
  rows.reserve(window.size());
  for (TextRequest& request : window) rows.push_back(std::move(request.row));
  return rows;
}

void answer_requests(const StreamArguments& given, RequestKind kind, const ModelConfig& config,
                     const Tokenizer& tokenizer,
                     const std::function<Answers(std::vector<TextRequest>&)>& answer) {
  StreamArguments arguments = given;
  arguments.inputs = without_system_files(std::move(arguments.inputs));
  TextRequests requests = open_requests(arguments, kind, config, tokenizer);
  StreamNotes notes;
  const bool conversation = is_conversation(arguments);
  if (conversation) {
    const bool masks = kind == RequestKind::kFillMask;
    std::fprintf(stderr, "Type a text%s and press Enter. Ctrl-C or Ctrl-D ends.\n",
                 masks ? " with <mask> in the place of a word" : "");
  }
  StreamProgress progress(arguments.inputs);
  defer_stop_signals();  // lines are written completely
  while (stop_signal() == 0) {
    if (conversation && !wait_for_line()) break;
    std::vector<TextRequest> window = requests.next();
    if (window.empty()) break;
    const Answers answers = answer(window);
    if (!answers.complete) return;
    for (size_t i = 0; i < window.size(); ++i) {
      const TextRequest& request = window[i];
      notes.note(request);
      const std::string line =
          arguments.json ? json_line(request, answers.objects[i], arguments.inputs.size() > 1)
          : request.error.empty() ? answers.lines[i]
                                  : "error: " + request.error;
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fputc('\n', stdout);
    }
    // If the reader of the output is gone, the work ends; run_program() reports it.
    if (std::fflush(stdout) != 0) return;
    progress.update(window.size(), requests.consumed_bytes());
  }
  if (conversation) {
    std::fputc('\n', stderr);
    set_stop_signal(0);  // the usual way to end it
    return;              // what was wrong with a line stands below it
  }
  notes.finish();
}

}  // namespace linformer
