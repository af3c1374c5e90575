#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/model_fixture.h"

namespace linformer {

/// A model of each kind, and the commands of linformer-predict that answer line by line.
class PredictTest : public SmallModelTest {
 protected:
  void SetUp() override {
    make_model("mlm", {});
    make_model("sentiment", {HeadType::kClassification, {"negative", "neutral", "positive"}});
    make_model("score", {HeadType::kRegression, {}});
  }

  std::vector<std::string> command(const std::string& what, const std::string& checkpoint,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"linformer-predict", what, "--checkpoint", file(checkpoint)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProgramResult fill_mask(const std::vector<std::string>& more, const std::string& input = "") {
    return run_child(command("fill-mask", "mlm", more), {.standard_input = input});
  }
  ProgramResult classify(const std::string& checkpoint, const std::vector<std::string>& more,
                         const std::string& input = "") {
    return run_child(command("classify", checkpoint, more), {.standard_input = input});
  }

  static std::vector<nlohmann::json> objects(const std::string& out) {
    std::vector<nlohmann::json> all;
    for (const std::string& line : lines_of(out)) all.push_back(nlohmann::json::parse(line));
    return all;
  }
};

}  // namespace linformer
