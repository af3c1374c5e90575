#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace YAML {
class Node;
}

namespace linformer {

using TextList = std::vector<std::string>;

/// A mapping of a YAML file that is read key by key, for files whose keys form lists of sections
/// (fields.h declares those of a run). Every key that is asked for counts as known; finish()
/// refuses all others. All functions throw UsageError with file, line and column.
class YamlSection {
 public:
  /// `where` names the file, `name` the section in messages ("" = the whole file).
  YamlSection(std::string where, std::string name, const YAML::Node& node);

  bool has(const std::string& key) const;
  /// A scalar; `text` throws if the key is missing, `text_or` gives the other value then.
  std::string text(const std::string& key);
  std::string text_or(const std::string& key, const std::string& otherwise);
  int64_t whole_number_or(const std::string& key, int64_t otherwise, int64_t lowest);
  double number_or(const std::string& key, double otherwise, double lowest);
  bool flag(const std::string& key);
  /// A list of scalars; a scalar is a list of itself; empty without the key.
  TextList list(const std::string& key);
  /// A list of lists of scalars.
  std::vector<TextList> table(const std::string& key);
  /// A mapping from names to lists of scalars, in the order of the file.
  std::vector<std::pair<std::string, TextList>> lists(const std::string& key);
  /// A list of mappings; each is finished after `read` returns.
  void sections(const std::string& key, const std::function<void(YamlSection&)>& read);
  /// A mapping from names to mappings.
  void named_sections(const std::string& key,
                      const std::function<void(const std::string&, YamlSection&)>& read);
  void finish() const;

  [[noreturn]] void fail(const std::string& key, const std::string& what,
                         const std::string& fix) const;
  /// FILE:LINE:COLUMN of a key, or of the section.
  std::string place(const std::string& key = "") const;

 private:
  /// Null without the key.
  std::shared_ptr<const YAML::Node> find(const std::string& key);
  std::string label(const std::string& key) const {
    return name_.empty() ? key : name_ + "." + key;
  }
  TextList list_of(const std::string& key, const YAML::Node& node) const;

  std::string where_, name_;
  std::shared_ptr<const YAML::Node> node_;
  TextList known_;
};

/// Reads a file whose content is one mapping.
void read_yaml_sections(const std::string& path, const std::function<void(YamlSection&)>& read);

}  // namespace linformer
