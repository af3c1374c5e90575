#include "output_folder.h"

#include <filesystem>

#include <unistd.h>

#include "linformer/checkpoint/manifest.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path) : final_(without_slash(path)) {
  std::error_code error;
  if (fs::exists(final_, error) && !(fs::is_directory(final_, error) && fs::is_empty(final_))) {
    fail_usage("--output", final_ + " is there already", "name a folder that does not exist yet");
  }
  temporary_ = final_ + ".tmp-" + std::to_string(::getpid());
  defer_stop_signals();  // the destructor removes what is half done
  make_directories(temporary_);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

bool OutputFolder::copy_tokenizer(const std::string& folder) const {
  for (const char* name :
       {"tokenizer.model", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
        "special_tokens_map.json", "sentencepiece.bpe.model"}) {
    if (!fs::exists(folder + "/" + name)) continue;
    write_file_atomically(temporary_ + "/" + name, read_text_file(folder + "/" + name));
  }
  return fs::exists(folder + "/tokenizer.model");
}

void OutputFolder::commit() {
  if (stop_signal() != 0) throw StopError(final_);
  write_manifest(temporary_);
  std::error_code error;
  fs::remove(final_, error);  // an empty folder
  fs::rename(temporary_, final_, error);
  if (error) fail_system(final_, "cannot be moved into place", error.value());
  sync_directory(fs::absolute(final_).parent_path().string());
  committed_ = true;
}

}  // namespace linformer
