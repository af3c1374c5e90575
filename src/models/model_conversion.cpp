#include "linformer/models/model_conversion.h"

#include <filesystem>
#include <optional>
#include <set>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "hf_module.h"
#include "output_folder.h"
#include "tokenizer_conversion.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/tensor_files.h"
#include "linformer/config/projection_rules.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/special_tokens.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/nn/resample.h"
#include "linformer/nn/sequence_projection.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

constexpr const char* kPositions = "roberta.embeddings.position_embeddings.weight";
constexpr int64_t kFirstPosition = kPadId + 1;  // rows before belong to padding

std::string shape_text(const at::Tensor& tensor) {
  return format_shape({tensor.sizes().data(), tensor.sizes().size()});
}

/// Streams tensors to FOLDER/model.safetensors as they are.
void write_views(const std::string& folder, const ForeignModel& model) {
  std::vector<TensorSource> sources;
  for (const auto& [name, view] : model.tensors) {
    sources.push_back({name, view.type, view.shape, [bytes = view.bytes] { return bytes; }});
  }
  write_safetensors(folder + "/model.safetensors", std::move(sources), {{"format", "pt"}});
  model.files.check();
}

void write_config(const std::string& folder, const ModelConfig& config, const HeadConfig& head) {
  write_file_atomically(folder + "/config.json", to_config_json(config, head));
}

/// A model of other files, with what these files do not have.
struct ReadModel {
  ForeignModel foreign;
  std::map<std::string, at::Tensor> made;  ///< what foreign.tensors views where files have nothing

  const ModelConfig& config() const { return foreign.config; }
};

TensorView view_of(const at::Tensor& tensor) {
  const auto* data = static_cast<const std::byte*>(tensor.const_data_ptr());
  return {TensorType::kF32, tensor.sizes().vec(), {data, tensor.nbytes()}};
}

/// Adds the tensors that files of this kind do not have, as a new model has them.
void make_absent(ReadModel& model) {
  ForeignModel& foreign = model.foreign;
  if (foreign.absent.empty()) return;
  const Model fresh(foreign.config, foreign.head, /*seed=*/0);
  for (const auto& [name, tensor] : saved_tensors(fresh)) {
    if (!name.starts_with(foreign.absent) || foreign.tensors.count(name)) continue;
    model.made[name] = tensor.contiguous();
    foreign.tensors[name] = view_of(model.made[name]);
  }
}

/// Takes rows of the vocabulary off that only fill it up to a round number. The tokenizer says
/// where they begin, or config.json's mask_token_id: <mask> is the last piece.
void crop_vocabulary(ForeignModel& model, std::optional<int64_t> pieces) {
  const int64_t rows = model.config.vocab_size;
  if (!pieces && model.mask_id) pieces = *model.mask_id + 1;
  if (!pieces || !is_padded_vocabulary(rows, *pieces)) return;
  for (const char* name :
       {"roberta.embeddings.word_embeddings.weight", "lm_head.bias", "lm_head.decoder.weight"}) {
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end()) continue;
    TensorView& view = found->second;
    if (view.shape.empty() || view.shape.front() != rows) continue;  // named as misshapen later
    view.bytes = view.bytes.first(view.bytes.size() / static_cast<size_t>(rows) *
                                  static_cast<size_t>(*pieces));
    view.shape.front() = *pieces;
  }
  model.config.vocab_size = *pieces;
  model.notes.push_back("left out the last " + format_count(rows - *pieces) + " of " +
                        format_count(rows) +
                        " rows of the vocabulary, behind <mask>: no piece belongs to them");
}

/// Fit and finiteness of what goes into the new model; of one tensor at a time in memory.
void check_tensors(const ForeignModel& model) {
  check_fit(model.files.source(), model.tensors,
            saved_tensors(Model(model.config, model.head, /*seed=*/0)));
  for (const auto& [ours, theirs] : model.their_names) {
    check_finite(model.files.source(), {{theirs, copy_of(model.tensors.at(ours))}});
  }
  model.files.check();
}

/// A model folder of this program or of transformers, checked against its own configuration.
ReadModel read_model(const std::string& folder) {
  ReadModel model{read_foreign_model(ForeignFormat::kHuggingFace, folder), {}};
  check_mask_id(model.foreign.mask_id, model.config(), folder + "/config.json");
  make_absent(model);
  check_tensors(model.foreign);
  return model;
}

/// The tensors as LibTorch's, without the segments that only transformers needs.
std::map<std::string, at::Tensor> values_of(const ReadModel& model) {
  std::map<std::string, at::Tensor> all = load_tensors(model.foreign.files);
  std::map<std::string, at::Tensor> values = model.made;
  for (const auto& [ours, theirs] : model.foreign.their_names) values[ours] = all.at(theirs);
  if (model.config().type_vocab_size == 0) values.erase(kTokenTypeEmbeddings);
  return values;
}

/// Writes `model` with `values` as its parameters, in fp32.
void write_model(const OutputFolder& output, const Model& model, const HeadConfig& head,
                 const std::map<std::string, at::Tensor>& values) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model.parameters().all()) {
    parameter.tensor.detach().copy_(values.at(parameter.name));
  }
  write_config(output.path(), model.config(), head);
  save_tensors(output.path() + "/model.safetensors", saved_tensors(model));
}

/// Names of all E and F.
std::set<std::string> projection_names(const ParameterSet& parameters) {
  std::set<std::string> names;
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.kind == ParameterKind::kProjection) names.insert(parameter.name);
  }
  return names;
}

/// k times `factor` in every layer and head.
NestedNumbers scaled(const NestedNumbers& lengths, int64_t n, int64_t longer) {
  std::vector<OneOrMany<int64_t>> layers;
  for (const OneOrMany<int64_t>& layer : lengths.values()) {
    std::vector<int64_t> heads;
    for (const int64_t k : layer.values()) heads.push_back(k * longer / n);
    layers.emplace_back(heads);
  }
  return NestedNumbers(layers);
}

}  // namespace

ConversionNotes import_model(ForeignFormat format, const std::string& input,
                             const std::string& output_path) {
  ReadModel read{read_foreign_model(format, input), {}};
  const std::optional<Tokenizer> tokenizer = tokenizer_beside(input);
  crop_vocabulary(read.foreign,
                  tokenizer ? std::optional<int64_t>(tokenizer->vocab_size()) : std::nullopt);
  check_mask_id(read.foreign.mask_id, read.config(), input + "/config.json");
  make_absent(read);
  const ForeignModel& model = read.foreign;
  check_tensors(model);
  if (tokenizer) check_vocab_size(*tokenizer, model.config);
  OutputFolder output(output_path);
  ConversionNotes notes = model.notes;
  write_config(output.path(), model.config, model.head);
  write_views(output.path(), model);
  take_tokenizer(output, input, model.config, notes);
  output.commit();
  notes.push_back("imported " + format_count(static_cast<int64_t>(model.tensors.size()), "tensor"));
  return notes;
}

ConversionNotes export_model(const std::string& input, const std::string& output_path) {
  const ReadModel read = read_model(input);
  const ForeignModel& model = read.foreign;
  OutputFolder output(output_path);
  ConversionNotes notes = model.notes;
  nlohmann::json config =
      parse_json<nlohmann::json>(to_config_json(model.config, model.head)).value;
  if (config["model_type"] != "roberta") {
    config["auto_map"] = parse_json<nlohmann::json>(kHfAutoMap).value;
    write_file_atomically(output.path() + "/" + kHfModuleName, kHfModule);
    notes.push_back(std::string("added ") + kHfModuleName +
                    ": open it in transformers with trust_remote_code=True");
  }
  write_file_atomically(output.path() + "/config.json", config.dump(2) + "\n");
  write_views(output.path(), model);
  take_tokenizer(output, input, model.config, notes);
  spread_tokenizer(output, model.config, notes);
  output.commit();
  notes.push_back("exported " + format_count(static_cast<int64_t>(model.tensors.size()), "tensor"));
  return notes;
}

ConversionNotes linformerise_model(const std::string& input, const std::string& output_path,
                                   const AttentionConfig& attention, uint64_t seed) {
  const ReadModel read = read_model(input);
  const ForeignModel& model = read.foreign;
  if (model.config.has_linformer_layer()) {
    fail_run(input, "is a Linformer already",
             "lengthen it with linformer-convert extend, or start from a standard model");
  }
  ModelConfig config = model.config;
  config.attention = attention;
  // Its weights are the model's own and stay.
  const int64_t convolution = model.config.attention.value_convolution;
  if (convolution > 0 && attention.value_convolution > 0 &&
      attention.value_convolution != convolution) {
    fail_usage("attention.value_convolution",
               std::to_string(attention.value_convolution) + ", the model's is " +
                   std::to_string(convolution) + " wide",
               "leave it out");
  }
  if (convolution > 0) config.attention.value_convolution = convolution;
  config.validate();
  if (!config.has_linformer_layer()) {
    fail_usage("attention.type", "names no linformer layer", "leave it out, or give linformer");
  }
  const std::map<std::string, at::Tensor> old = values_of(read);
  const Model fresh(config, model.head, seed);
  std::map<std::string, at::Tensor> values;
  ConversionNotes notes = model.notes;
  int64_t added = 0;
  int64_t matrices = 0;
  std::string first;
  for (const Parameter& parameter : fresh.parameters().all()) {
    const auto found = old.find(parameter.name);
    values[parameter.name] = found != old.end() ? found->second : parameter.tensor.detach();
    if (found != old.end()) continue;
    if (first.empty()) first = parameter.name + " " + shape_text(parameter.tensor);
    added += parameter.tensor.numel();
    ++matrices;
  }
  OutputFolder output(output_path);
  write_model(output, fresh, model.head, values);
  take_tokenizer(output, input, config, notes);
  output.commit();
  notes.push_back("kept " + format_count(static_cast<int64_t>(old.size()), "tensor") +
                  " as they were");
  const bool own_start = projection_rules(attention.projection).has_own_start();
  const std::string start =
      own_start ? "as projection " + std::string(name_of(attention.projection)) + " starts"
                : "init " + std::string(name_of(attention.init));
  notes.push_back(matrices == 0 ? "added no parameters: projection " +
                                      std::string(name_of(attention.projection)) + " has none"
                                : "added " + format_count(matrices, "tensor") + " with " +
                                      format_count(added) + " numbers, " + start + ": " + first +
                                      (matrices > 1 ? ", ..." : ""));
  return notes;
}

ConversionNotes extend_model(const std::string& input, const std::string& output_path,
                             int64_t max_sequence_length, ExtendMethod method) {
  const ReadModel read = read_model(input);
  const ForeignModel& model = read.foreign;
  const int64_t n = model.config.max_sequence_length;
  if (max_sequence_length <= n) {
    fail_usage("--max-sequence-length",
               std::to_string(max_sequence_length) +
                   " is not more than the model's n = " + std::to_string(n),
               "give a larger number; shorter inputs need no conversion");
  }
  const bool interpolate = method == ExtendMethod::kInterpolate;
  ModelConfig config = model.config;
  config.max_sequence_length = max_sequence_length;
  const SequenceProjection& projection = sequence_projection(config.attention.projection);
  const ProjectionRules& rules = projection_rules(config.attention.projection);
  const bool windows = config.has_linformer_layer() && rules.has_windows();
  ConversionNotes notes = model.notes;
  if (windows && !interpolate) {
    if (max_sequence_length % n != 0) {
      fail_usage("--max-sequence-length",
                 "tiling windows needs a multiple of n = " + std::to_string(n),
                 "give e.g. " + std::to_string(2 * n) +
                     (rules.has_own_start() ? "" : ", or --method interpolate"));
    }
    config.attention.projected_length =
        scaled(config.attention.projected_length, n, max_sequence_length);
    notes.push_back("k grows with n: windows keep their width");
  }
  config.validate();
  std::map<std::string, at::Tensor> values = values_of(read);
  const bool fixed = config.position_embedding == PositionEmbedding::kSinusoidal;
  const Model extended(config, model.head, /*seed=*/0);
  const std::set<std::string> projections = projection_names(extended.parameters());
  int64_t changed = 0;
  for (auto& [name, tensor] : values) {
    const std::string before = shape_text(tensor);
    if (name == kPositions && fixed) {
      tensor = extended.parameters().get(kPositions).detach();
      notes.push_back(name + ": the sines of " + std::to_string(max_sequence_length) +
                      " positions");
    } else if (name == kPositions) {
      const at::Tensor rows = tensor.narrow(0, kFirstPosition, n).t();
      const at::Tensor longer = interpolate ? stretch_last_dimension(rows, max_sequence_length)
                                            : tile_last_dimension(rows, max_sequence_length);
      tensor = at::cat({tensor.narrow(0, 0, kFirstPosition), longer.t().to(tensor.scalar_type())});
      notes.push_back(name + ": " + before + " to " + shape_text(tensor));
    } else if (projections.contains(name)) {
      const at::Tensor longer = interpolate
                                    ? projection.interpolated(tensor, n, max_sequence_length)
                                    : projection.tiled(tensor, n, max_sequence_length);
      if (longer.is_same(tensor)) continue;
      tensor = longer;
      if (changed++ == 0) notes.push_back(name + ": " + before + " to " + shape_text(tensor));
    }
  }
  if (changed > 1) notes.push_back("and " + format_count(changed - 1) + " more like it");
  OutputFolder output(output_path);
  write_model(output, extended, model.head, values);
  take_tokenizer(output, input, config, notes);
  output.commit();
  return notes;
}

ConversionNotes average_models(const std::vector<std::string>& inputs,
                               const std::string& output_path) {
  if (inputs.size() < 2) {
    fail_usage("--input", "an average takes at least two models", "name several folders");
  }
  const auto tokenizer_of = [](const std::string& folder) {
    const std::string path = folder + "/tokenizer.model";
    return std::filesystem::exists(path) ? read_text_file(path) : std::string();
  };
  const ForeignModel first = read_model(inputs.front()).foreign;
  std::map<std::string, at::Tensor> sums;
  for (const std::string& folder : inputs) {
    const ReadModel read = read_model(folder);
    const ForeignModel& model = read.foreign;
    if (!(model.config == first.config && model.head == first.head)) {
      fail_run(folder, "is another kind of model than " + inputs.front(),
               "average models with equal config.json");
    }
    if (tokenizer_of(folder) != tokenizer_of(inputs.front())) {
      fail_run(folder, "has another tokenizer than " + inputs.front(),
               "average models of one run, or of runs with one tokenizer");
    }
    for (const auto& [name, tensor] : values_of(read)) {
      const at::Tensor wide = tensor.to(at::kDouble);
      const auto [sum, added] = sums.emplace(name, wide);
      if (!added) sum->second = sum->second + wide;
    }
  }
  for (auto& [name, sum] : sums) sum = sum / static_cast<double>(inputs.size());
  OutputFolder output(output_path);
  ConversionNotes notes;
  write_model(output, Model(first.config, first.head, /*seed=*/0), first.head, sums);
  take_tokenizer(output, inputs.front(), first.config, notes);
  output.commit();
  notes.push_back("averaged " + format_count(static_cast<int64_t>(sums.size()), "tensor") + " of " +
                  format_count(static_cast<int64_t>(inputs.size()), "model"));
  return notes;
}

ConversionNotes export_averaged_weights(const std::string& input, const std::string& output_path) {
  const std::unique_ptr<Model> loaded = load_model(input);
  const Model& model = *loaded;
  load_averaged_weights(input, model.parameters());
  OutputFolder output(output_path);
  ConversionNotes notes;
  save_model_files(output.path(), to_config_json(model.config(), load_head_config(input)),
                   saved_tensors(model), read_text_file(input + "/tokenizer.model"));
  output.commit();
  notes.push_back("took the averaged weights of " + input);
  return notes;
}

}  // namespace linformer
