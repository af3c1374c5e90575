#include "nn/reference_model.h"

#include <filesystem>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "linformer/checkpoint/tensor_files.h"

namespace linformer::testing {
namespace {

const std::string kFixtures = LINFORMER_SHARED_DIR "/fixtures/";

}  // namespace

bool has_reference_models() {
  return std::filesystem::exists(kFixtures);
}

ReferenceModel load_reference_model(const std::string& name) {
  const std::string folder = kFixtures + name;
  const auto format =
      name.starts_with("fairseq") ? ForeignFormat::kFairseq : ForeignFormat::kHuggingFace;
  ReferenceModel reference{read_foreign_model(format, folder), {}, {}};
  reference.inputs = load_tensors(folder + "/inputs.safetensors");
  reference.outputs = load_tensors(folder + "/outputs.safetensors");
  return reference;
}

void ReferenceModel::copy_into(const ParameterSet& parameters) const {
  const at::NoGradGuard no_grad;
  const auto values = load_tensors(source.files);
  ASSERT_EQ(parameters.all().size(), source.tensors.size());
  for (const Parameter& parameter : parameters.all()) {
    const at::Tensor& theirs = values.at(source.their_names.at(parameter.name));
    ASSERT_EQ(theirs.sizes(), parameter.tensor.sizes()) << parameter.name;
    parameter.tensor.detach().copy_(theirs);
  }
}

const at::Tensor& ReferenceModel::gradient(const std::string& parameter) const {
  const auto found = outputs.find("grad." + source.their_names.at(parameter));
  if (found != outputs.end()) return found->second;
  // A matrix that several layers use is listed once, under one of its names.
  return outputs.at("grad.encoder.sentence_encoder.layers.0.self_attn.compress_k.weight");
}

}  // namespace linformer::testing
