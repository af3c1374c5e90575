// linformer-predict: predictions of a trained model for texts.
#include <CLI/CLI.hpp>

#include "predict_commands.h"
#include "programs.h"

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-predict",
      {"linformer-predict fill-mask --checkpoint runs/sample --text 'In Hilmere, two <mask> "
       "thundedon.'",
       "linformer-predict fill-mask --checkpoint models/roberta --text 'The <mask> is blue.'",
       "linformer-predict classify --checkpoint runs/sst2 --input reviews.txt --json",
       "linformer-predict features --checkpoint runs/sample --input rows.jsonl --output "
       "features.safetensors"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_fill_mask_command(program);
    linformer::add_classify_command(program);
    linformer::add_features_command(program);
  });
}
