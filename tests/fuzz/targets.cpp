// The readers of files that do not need LibTorch.
#include <cstring>
#include <filesystem>

#include "fuzz/fuzz_target.h"

#include "linformer/checkpoint/manifest.h"
#include "linformer/checkpoint/safetensors.h"
#include "linformer/checkpoint/stored_tensors.h"
#include "linformer/config/config_file.h"
#include "linformer/config/expected_file.h"
#include "linformer/config/experiment_file.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/data/examples.h"
#include "linformer/data/input_rows.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/data/own_data.h"
#include "linformer/data/token_dataset.h"
#include "linformer/report/run_folder.h"
#include "linformer/report/task_result.h"
#include "linformer/text/byte_bpe_file.h"
#include "linformer/text/document_reader.h"
#include "linformer/text/tokenizer.h"
#include "linformer/text/transformers_tokenizer.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMostTextBytes = size_t{32} << 20;  // of a small compressed file
constexpr const char* kSomeText =
    "A cat isn't a dog,  caf\xC3\xA9 \xE6\xBC\xA2\xE5\xAD\x97 <mask>\n\x01";

std::string folder_of(const std::string& path) {
  return fs::path(path).parent_path().string();
}

void use(const std::map<std::string, TensorView>& tensors) {
  uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors) {
    require(tensor.num_elements() * size_of(tensor.type) == tensor.bytes.size(), "tensor sizes");
    sum += xxh3(tensor.bytes);
  }
  static volatile uint64_t sink = 0;
  sink = sink + sum;
}

void read_safetensors(const std::string& path) {
  const SafetensorsFile file(path);
  use(file.tensors());
  file.verify();
}

/// The header's length comes first: it is made that of the text up to the last closing brace.
void repair_safetensors(std::string& bytes) {
  const size_t brace = bytes.rfind('}');
  if (bytes.size() < 8 || brace == bytes.npos || brace < 8) return;
  const uint64_t length = brace + 1 - 8;
  std::memcpy(bytes.data(), &length, sizeof(length));
}

void read_index(const std::string& path) {
  const std::string shard = folder_of(path) + "/a.safetensors";
  if (!fs::exists(shard)) {
    std::string bytes(8, '\0');
    bytes += R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
    bytes += "..";
    repair_safetensors(bytes);
    write_file_atomically(shard, bytes);
  }
  use(StoredTensors::open_folder(folder_of(path)).tensors());
}

void read_manifest(const std::string& path) {
  if (!fs::exists(folder_of(path) + "/a.txt")) {
    write_file_atomically(folder_of(path) + "/a.txt", "hello");
  }
  find_damage(folder_of(path));
}

void read_result(const std::string& path) {
  to_json(task_result_from_json(read_text_file(path), path));
}

/// The checksums of header and content, so that what follows them is looked at.
void repair_shard(std::string& bytes) {
  constexpr size_t kHeader = 112;
  if (bytes.size() < kHeader) return;
  const auto put = [&](size_t place, uint64_t value) {
    std::memcpy(bytes.data() + place, &value, sizeof(value));
  };
  const auto hash = [&](size_t begin, size_t size) {
    return xxh3(std::string_view(bytes).substr(begin, size));
  };
  put(kHeader - 24, bytes.size());
  put(kHeader - 16, hash(kHeader, bytes.size() - kHeader));
  put(kHeader - 8, hash(0, kHeader - 8));
}

void read_shard(const std::string& path) {
  const std::string prefix = path.substr(0, path.size() - std::string("-00000.shard").size());
  const TokenDataset dataset = TokenDataset::open({prefix});
  const std::vector<int32_t> ids = dataset.tokens({0, dataset.num_tokens()});
  for (const int32_t id : ids) require(id >= 0 && id < dataset.vocab_size(), "ids");
  int64_t tokens = 0;
  for (int64_t d = 0; d < dataset.num_documents(); ++d) {
    const IndexRange range = dataset.document_tokens(d);
    tokens += range.end - range.begin;
  }
  require(tokens == dataset.num_tokens(), "documents hold all tokens");
}

void use(const Tokenizer& tokenizer) {
  const std::vector<int32_t> ids = tokenizer.encode(kSomeText);
  for (const int32_t id : ids) require(id >= 0 && id < tokenizer.vocab_size(), "ids of a text");
  tokenizer.decode(ids);
}

void read_tokenizer_json(const std::string& path) {
  const std::optional<ByteBpe> bpe = read_hf_byte_bpe(folder_of(path));
  if (bpe) use(Tokenizer(to_model_bytes(*bpe), path));
}

void read_merges(const std::string& path) {
  const std::string vocab = folder_of(path) + "/vocab.json";
  if (!fs::exists(vocab)) {
    write_file_atomically(
        vocab, R"({"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4,"b":5,"ab":6,"<mask>":7})");
  }
  read_tokenizer_json(path);
}

void read_tokenizer_model(const std::string& path) {
  const Tokenizer tokenizer = Tokenizer::load(path);
  use(tokenizer);
  to_transformers(tokenizer, {16, false});
}

void read_json_rows(const std::string& path) {
  ExampleReader reader(path, /*vocab_size=*/100, /*max_sequence_length=*/16);
  try {
    while (reader.next(3)) {
    }
  } catch (const Error&) {
  }
  for (const InputRow& row : read_input_rows(path, {100, 16, 2}, nullptr).rows) {
    require(row.input_ids.size() == row.attention_mask.size(), "a mask for every id");
  }
}

/// As fine-tuning on columns of one's own does.
void read_labelled(const std::string& path) {
  OwnData data;
  data.train = {path};
  data.id_column = "id";
  const TaskFiles files = own_task(data);
  ReadOptions lenient;
  lenient.max_bad_share = 1.0;
  const LabelledExamples examples =
      read_labelled_examples(files.split("train"), files.task, lenient);
  examples.label_counts(files.task);
}

void read_yaml_file(const std::string& path) {
  const std::string text = read_config_text(path);
  try {
    FinetuneConfig config;
    read_yaml(fields_of(config), text, path);
    config.validate();
  } catch (const Error&) {
  }
  PretrainConfig config;
  read_yaml(fields_of(config), text, path);
  PretrainConfig again;
  read_yaml(fields_of(again), dump_yaml(config), path);
  require(again == config, "a configuration reads back");
  config.validate();
}

void read_experiment(const std::string& path) {
  for (const auto& read : {+[](const std::string& file) { read_scale_file(file, "x"); },
                           +[](const std::string& file) { read_report_file(file); }}) {
    try {
      read(path);
    } catch (const Error&) {
    }
  }
  const ExperimentFile experiment = read_experiment_file(path, "x");
  for (const RunTemplate& run : experiment.runs) {
    require(!run.name.empty() && run.name.find('/') == run.name.npos, "names are folders");
    expand_template("{k}", {{"k", {run.label}}}, run.place);
  }
}

void read_expected(const std::string& path) {
  const ExpectedCurve curve = read_expected_file(path);
  require(!curve.points.empty(), "an expected curve has a point");
  const std::string copy = path + ".copy";
  write_file_atomically(copy, to_yaml(curve));
  require(read_expected_file(copy).points.size() == curve.points.size(), "it is written and read");
}

/// The log and the journal of a run, which somebody may have edited.
void read_run_lines(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const RunFolder run = read_run_log(folder);
  for (const LogRecord& line : read_json_lines(path)) {
    require(!to_json_line(line).empty(), "a line is written again");
  }
  require(curve_of(run.training, "step", "loss").x.size() <= run.training.size(), "a point a line");
}

void read_text(const std::string& path) {
  DocumentReader reader(path, std::nullopt);
  uint64_t num_invalid = 0;
  std::string text;
  while (text.size() < kMostTextBytes) {
    const std::optional<RawDocument> document = reader.next();
    if (!document) break;
    append_document_text(*document, reader.layout(), path, BadLines::kRefuse, text, num_invalid);
  }
}

}  // namespace

const std::vector<FuzzTarget>& file_targets() {
  static const std::vector<FuzzTarget> all{
      {"safetensors", "model.safetensors", read_safetensors, repair_safetensors},
      {"index", "model.safetensors.index.json", read_index},
      {"manifest", kManifestName, read_manifest},
      {"result", "result.json", read_result},
      {"shard", "x-00000.shard", read_shard, repair_shard},
      {"tokenizer-json", "tokenizer.json", read_tokenizer_json},
      {"merges", "merges.txt", read_merges},
      {"tokenizer-model", "tokenizer.model", read_tokenizer_model},
      {"json-rows", "rows.jsonl", read_json_rows},
      {"json-table", "table.jsonl", read_labelled},
      {"tsv", "table.tsv", read_labelled},
      {"csv", "table.csv", read_labelled},
      {"yaml", "config.yaml", read_yaml_file},
      {"experiment", "experiment.yaml", read_experiment},
      {"expected", "expected.yaml", read_expected},
      {"run-log", "log.jsonl", read_run_lines},
      {"text", "text.txt", read_text},
      {"gzip", "text.txt.gz", read_text},
      {"zstd", "text.txt.zst", read_text},
  };
  return all;
}

}  // namespace linformer
