#include "linformer/text/byte_bpe_file.h"

#include <array>
#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/json_text.h"
#include "linformer/core/utf8.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "linformer-byte-bpe 1\n";
constexpr std::string_view kVersion = "#version: 0.2\n";
constexpr std::array<std::string_view, 5> kSpecials{"<s>", "<pad>", "</s>", "<unk>", "<mask>"};

[[noreturn]] void fail_damaged(const std::string& path, const std::string& what) {
  fail_run(path, what, "copy the file again from where it came");
}

[[noreturn]] void fail_setting(const std::string& path, const std::string& what) {
  fail_run(path, what + "; RoBERTa's tokenizer is not like that",
           "take the tokenizer's files out of the folder, and give the model input_ids");
}

std::pair<std::string, std::string> parse_merge(const std::string& path, std::string_view line) {
  const size_t blank = line.find(' ');
  const bool two = blank != line.npos && blank > 0 && blank + 1 < line.size() &&
                   line.find(' ', blank + 1) == line.npos;
  if (!two) fail_damaged(path, "a merge is '" + std::string(line) + "', expected two pieces");
  return {std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
}

/// {"piece": id, ...}, with every id from 0 on once, in the order of ids.
std::vector<std::string> in_order(const std::string& path, const json& ids) {
  std::vector<std::string> pieces(ids.size());
  std::vector<bool> taken(ids.size());
  for (const auto& [piece, value] : ids.items()) {
    const int64_t id = whole_number_of(value).value_or(-1);
    if (id < 0 || id >= static_cast<int64_t>(pieces.size()) || taken[static_cast<size_t>(id)]) {
      fail_damaged(path, "the ids of " + std::to_string(pieces.size()) +
                             " pieces are not 0, 1, 2, ...: '" + piece + "' has " + value.dump());
    }
    taken[static_cast<size_t>(id)] = true;
    pieces[static_cast<size_t>(id)] = piece;
  }
  return pieces;
}

/// Calls `read` with the JSON of a file. JSON of an unexpected form is reported as a damaged file.
template <class Read>
auto with_json(const std::string& path, std::string_view text, Read&& read) {
  const auto [value, problem] = parse_json<json>(text);
  if (!problem.empty()) fail_damaged(path, "this is not the JSON expected: it " + problem);
  try {
    return read(value);
  } catch (const json::exception& error) {
    fail_damaged(path, std::string("this is not the JSON expected: ") + error.what());
  }
}

template <class Read>
auto read_json(const std::string& path, Read&& read) {
  return with_json(path, read_text_file(path), read);
}

std::string without_byte_order_mark(std::string text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

void check_tokenizer_config(const std::string& path) {
  if (!std::filesystem::exists(path)) return;
  read_json(path, [&](const json& config) {
    if (config.value("add_prefix_space", false)) fail_setting(path, "add_prefix_space is true");
    return 0;
  });
}

ByteBpe read_two_files(const std::string& vocab, const std::string& merges) {
  ByteBpe bpe;
  bpe.vocabulary = read_json(vocab, [&](const json& ids) { return in_order(vocab, ids); });
  const std::string text = without_byte_order_mark(read_text_file(merges));
  if (valid_utf8_prefix(text) != text.size()) fail_damaged(merges, "is not UTF-8");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with("#version")) continue;
    bpe.merges.push_back(parse_merge(merges, line));
  }
  return bpe;
}

bool is_set(const json& object, const char* key) {
  return object.contains(key) && !object[key].is_null() && object[key] != false &&
         object[key] != "";
}

/// Refuses everything in a tokenizer.json that RoBERTa's tokenizer does not have.
void check_settings(const std::string& path, const json& file) {
  const json& model = file.at("model");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
                          "byte_fallback", "ignore_merges"}) {
    if (is_set(model, key)) {
      fail_setting(path, std::string("model.") + key + " is " + model[key].dump());
    }
  }
  if (is_set(file, "normalizer")) fail_setting(path, "it has a normalizer");
  const json& words = file.at("pre_tokenizer");
  if (words.value("add_prefix_space", true)) fail_setting(path, "add_prefix_space is true");
  if (!words.value("use_regex", true)) fail_setting(path, "use_regex is false");
}

std::optional<ByteBpe> parse_tokenizer_json(const std::string& path, const json& file) {
  const json& model = file.at("model");
  const bool byte_level = file.contains("pre_tokenizer") && file["pre_tokenizer"].is_object() &&
                          file["pre_tokenizer"].value("type", "") == "ByteLevel";
  if (model.value("type", "BPE") != "BPE" || !byte_level) return std::nullopt;
  check_settings(path, file);
  json ids = model.at("vocab");
  for (const json& token : file.value("added_tokens", json::array())) {
    const auto content = token.at("content").get<std::string>();
    if (std::find(kSpecials.begin(), kSpecials.end(), content) == kSpecials.end()) {
      fail_setting(path, "it has the added token '" + content + "'");
    }
    ids[content] = token.at("id");
  }
  ByteBpe bpe;
  bpe.vocabulary = in_order(path, ids);
  for (const json& merge : model.at("merges")) {
    // An older form is "a b", the newer one ["a", "b"].
    bpe.merges.push_back(merge.is_string() ? parse_merge(path, merge.get<std::string>())
                                           : merge.get<std::pair<std::string, std::string>>());
  }
  return bpe;
}

/// What an added token says about <mask>; nothing if it is another token, or has only a spelling.
std::optional<bool> mask_takes_white_space(const std::string& path, const json& token) {
  if (!token.is_object() || token.value("content", "") != kSpecials.back()) return std::nullopt;
  for (const char* key : {"rstrip", "single_word"}) {
    if (token.value(key, false)) fail_setting(path, std::string(key) + " of <mask> is true");
  }
  const auto found = token.find("lstrip");
  return found == token.end() ? std::nullopt : std::optional(found->get<bool>());
}

/// The same for one of a folder's files, if the file exists and says it.
std::optional<bool> mask_takes_white_space(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json(path, [&](const json& file) {
    std::vector<json> tokens{file.value("mask_token", json())};
    for (const char* key : {"added_tokens", "added_tokens_decoder"}) {  // a list, an object
      for (const json& token : file.value(key, json::array())) tokens.push_back(token);
    }
    for (const json& token : tokens) {
      if (const std::optional<bool> found = mask_takes_white_space(path, token)) return found;
    }
    return std::optional<bool>();
  });
}

}  // namespace

bool is_byte_bpe(std::string_view model_bytes) {
  return model_bytes.starts_with(kMagic);
}

std::string to_model_bytes(const ByteBpe& bpe) {
  json merges = json::array();
  for (const auto& [left, right] : bpe.merges) merges.push_back(left + " " + right);
  json file{{"vocabulary", bpe.vocabulary}, {"merges", std::move(merges)}};
  if (!bpe.mask_takes_white_space) file["mask_takes_white_space"] = false;
  return std::string(kMagic) + file.dump() + "\n";
}

ByteBpe parse_byte_bpe(std::string_view model_bytes, const std::string& name) {
  if (!is_byte_bpe(model_bytes)) fail_damaged(name, "this is not a byte-level BPE");
  return with_json(name, model_bytes.substr(kMagic.size()), [&](const json& file) {
    ByteBpe bpe;
    bpe.vocabulary = file.at("vocabulary").get<std::vector<std::string>>();
    for (const json& merge : file.at("merges")) {
      bpe.merges.push_back(parse_merge(name, merge.get<std::string>()));
    }
    bpe.mask_takes_white_space = file.value("mask_takes_white_space", true);
    return bpe;
  });
}

std::optional<ByteBpe> read_hf_byte_bpe(const std::string& folder) {
  const std::string vocab = folder + "/vocab.json";
  const std::string merges = folder + "/merges.txt";
  const std::string whole = folder + "/tokenizer.json";
  std::optional<ByteBpe> bpe;
  if (std::filesystem::exists(vocab) && std::filesystem::exists(merges)) {
    bpe = read_two_files(vocab, merges);
  } else if (std::filesystem::exists(whole)) {
    bpe = read_json(whole, [&](const json& file) { return parse_tokenizer_json(whole, file); });
  }
  if (!bpe) return bpe;
  check_tokenizer_config(folder + "/tokenizer_config.json");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}) {
    if (const auto found = mask_takes_white_space(folder + "/" + name)) {
      bpe->mask_takes_white_space = *found;
      break;
    }
  }
  return bpe;
}

std::string to_vocab_json(const ByteBpe& bpe) {
  nlohmann::ordered_json::object_t ids;  // in the order of ids
  for (size_t id = 0; id < bpe.vocabulary.size(); ++id) {
    ids.push_back({bpe.vocabulary[id], static_cast<int64_t>(id)});
  }
  return nlohmann::ordered_json(std::move(ids)).dump() + "\n";
}

std::string to_merges_txt(const ByteBpe& bpe) {
  std::string text(kVersion);
  for (const auto& [left, right] : bpe.merges) text += left + " " + right + "\n";
  return text;
}

}  // namespace linformer
