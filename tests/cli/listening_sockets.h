#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <sys/types.h>

namespace linformer {

/// The addresses, as /proc writes them (hexadecimal), at which a process listens for TCP.
inline std::set<std::string> listening_addresses(pid_t process) {
  namespace fs = std::filesystem;
  const std::string folder = "/proc/" + std::to_string(process);
  std::error_code error;
  std::set<std::string> own;  // inodes
  for (const auto& entry : fs::directory_iterator(folder + "/fd", error)) {
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (target.starts_with("socket:[")) own.insert(target.substr(8, target.size() - 9));
  }
  std::set<std::string> addresses;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::ifstream file(folder + table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream columns(line);
      std::string number, local, remote, state, skipped, inode;
      columns >> number >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) columns >> skipped;
      columns >> inode;
      constexpr const char* kListening = "0A";
      if (state == kListening && own.contains(inode)) {
        addresses.insert(local.substr(0, local.find(':')));
      }
    }
  }
  return addresses;
}

}  // namespace linformer
