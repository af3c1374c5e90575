// linformer-data: turns text into token shards, and inspects them.
#include <CLI/CLI.hpp>

#include "data_commands.h"
#include "programs.h"

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-data",
      {"linformer-data sample --output data/sample",
       "linformer-data tokenizer --input data/sample/train.txt --vocab-size 4000 \\",
       "    --output data/sample/tokenizer.model",
       "linformer-data prepare --input data/sample/train.txt --output data/sample/train \\",
       "    --tokenizer data/sample/tokenizer.model",
       "linformer-data inspect data/sample/train --tokenizer data/sample/tokenizer.model --sample "
       "0",
       "linformer-data extract --input reviews.csv --text-column text --output train.txt \\",
       "    --held-out valid.txt",
       "linformer-data why --config configs/pretrain/sample.yaml --step 100"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_sample_command(program);
    linformer::add_extract_command(program);
    linformer::add_tokenizer_command(program);
    linformer::add_prepare_command(program);
    linformer::add_inspect_command(program);
    linformer::add_why_command(program);
  });
}
