#include "programs.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace linformer {
namespace {

constexpr std::array kPrograms{
    ProgramSummary{"linformer-data",
                   "Turns text into what linformer-train reads: a tokenizer and token shards."},
    ProgramSummary{"linformer-train",
                   "Pre-trains an encoder as a masked language model; resumes by itself."},
    ProgramSummary{"linformer-finetune",
                   "Fine-tunes a pre-trained encoder on labelled texts; resumes by itself."},
    ProgramSummary{"linformer-eval", "Measures a trained model."},
    ProgramSummary{"linformer-predict", "Shows what a trained model makes of texts."},
    ProgramSummary{"linformer-convert",
                   "Reads and writes models of other programs, and changes a model's form."},
    ProgramSummary{"linformer-launch",
                   "Starts one process per device, supervises them, and stops all when one fails."},
    ProgramSummary{"linformer-bench", "Measures speed together with the matrix-multiply peak."},
    ProgramSummary{
        "linformer-report",
        "Lists and compares runs, makes a page of each, and reproduces the paper as one page."},
};

}  // namespace

std::span<const ProgramSummary> all_programs() {
  return kPrograms;
}

ProgramInfo program_info(const std::string& name, std::vector<std::string> examples) {
  const auto found = std::find_if(kPrograms.begin(), kPrograms.end(),
                                  [&](const ProgramSummary& one) { return name == one.name; });
  if (found == kPrograms.end()) throw std::logic_error(name + " is not in all_programs()");
  return {name, found->description, std::move(examples)};
}

}  // namespace linformer
