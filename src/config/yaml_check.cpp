#include "yaml_check.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "linformer/core/json_text.h"

namespace linformer {

namespace {

constexpr int64_t kMostValues = 1'000'000;

/// Follows the parser's events. Each value is seen once, even if several aliases name it.
class ShapeWatch final : public YAML::EventHandler {
 public:
  /// At some texts (",a") the parser makes no progress and gives empty documents for ever.
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++num_documents_ == 1) return;
    throw YamlProblem{
        "a second YAML document begins here",
        "keep one document per file: remove the line ---, or a stray comma or bracket", mark.line,
        mark.column};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    name(anchor, {});
    add({}, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    name(anchor, {});
    add({}, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto same = [&](const OpenValue& value) { return value.anchor == anchor; };
    if (std::any_of(open_.begin(), open_.end(), same)) {
      throw YamlProblem{"an alias (*) stands within the value that it names",
                        "write the value out instead of the alias", mark.line, mark.column};
    }
    add(named_[anchor], mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  /// The number of values inside a value, with aliases expanded.
  struct Extent {
    int64_t values = 1;
    int levels = 1;
  };
  struct OpenValue {
    YAML::anchor_t anchor = YAML::NullAnchor;
    Extent extent;
    YAML::Mark mark;
  };

  void begin(const YAML::Mark& mark, YAML::anchor_t anchor) {
    open_.push_back({anchor, {}, mark});
    check_depth(static_cast<int>(open_.size()), mark);
  }

  void end() {
    const OpenValue closed = open_.back();
    open_.pop_back();
    name(closed.anchor, closed.extent);
    add(closed.extent, closed.mark);
  }

  void name(YAML::anchor_t anchor, const Extent& extent) {
    if (anchor != YAML::NullAnchor) named_[anchor] = extent;
  }

  /// A value within the innermost open one.
  void add(const Extent& extent, const YAML::Mark& mark) {
    check_depth(static_cast<int>(open_.size()) + extent.levels - 1, mark);
    if (open_.empty()) return;
    Extent& outer = open_.back().extent;
    outer.values += extent.values;
    outer.levels = std::max(outer.levels, extent.levels + 1);
    if (outer.values > kMostValues) {
      throw YamlProblem{"more than a million values, aliases written out",
                        "give numbers and names, not data", mark.line, mark.column};
    }
  }

  static void check_depth(int levels, const YAML::Mark& mark) {
    if (levels <= kMaxNesting) return;
    throw YamlProblem{"nested more than " + std::to_string(kMaxNesting) + " levels deep",
                      "remove brackets; settings have four levels at most", mark.line, mark.column};
  }

  int num_documents_ = 0;
  std::vector<OpenValue> open_;
  std::map<YAML::anchor_t, Extent> named_;
};

}  // namespace

std::optional<YamlProblem> find_yaml_problem(const std::string& text) {
  std::istringstream stream(text);
  ShapeWatch watch;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(watch)) {
    }
  } catch (const YamlProblem& problem) {
    return problem;
  } catch (const YAML::Exception&) {
    // The reader, which parses the text once more, reports text that is not YAML.
  }
  return std::nullopt;
}

}  // namespace linformer
