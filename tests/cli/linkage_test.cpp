// Whose functions the programs call. The test asks the loader when it starts them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "cli/foreign_std.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

/// A name that a program asked for, and the library in which the loader found it.
struct Binding {
  std::string symbol, library;
};

std::vector<std::string> programs() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(LINFORMER_PROGRAMS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("linformer-") && entry.is_regular_file()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_libtorch(std::string_view library) {
  const auto name = library.substr(library.rfind('/') + 1);
  return name.starts_with("libtorch") || name.starts_with("libc10");
}

bool is_libstdcxx(std::string_view library) {
  return library.find("libstdc++.so") != std::string_view::npos;
}

// "1234: binding file FROM [0] to TO [0]: normal symbol `NAME' [VERSION]", of FROM = `program`.
std::vector<Binding> bindings_of(const std::string& program) {
  const auto result =
      run_child({program, "--version"}, {.environment = {"LD_BIND_NOW=1", "LD_DEBUG=bindings"}});
  EXPECT_EQ(result.exit_code, 0) << program;
  std::vector<Binding> bindings;
  std::istringstream lines(result.err);
  const std::string head = "binding file " + program + " [";
  for (std::string line; std::getline(lines, line);) {
    const size_t from = line.find(head), to = line.find("] to "), quote = line.find('`');
    if (from == std::string::npos || to == std::string::npos || quote == std::string::npos) {
      continue;
    }
    const size_t library = to + 5;
    bindings.push_back({line.substr(quote + 1, line.find('\'', quote) - quote - 1),
                        line.substr(library, line.find(" [", library) - library)});
  }
  return bindings;
}

// What libstdc++ (with the libraries under it) has, LibTorch has to leave to it.
std::vector<std::string> names_taken_from_libtorch(const std::vector<Binding>& bindings,
                                                   void* libstdcxx) {
  std::vector<std::string> names;
  for (const Binding& binding : bindings) {
    if (is_libtorch(binding.library) && ::dlsym(libstdcxx, binding.symbol.c_str()) != nullptr) {
      names.push_back(binding.symbol);
    }
  }
  return names;
}

TEST(Linkage, NoProgramTakesAFunctionOfLibstdcxxFromLibTorch) {
  void* libstdcxx = ::dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(libstdcxx, nullptr) << ::dlerror();
  size_t of_libtorch = 0;
  for (const std::string& program : programs()) {
    const auto bindings = bindings_of(program);
    EXPECT_TRUE(std::any_of(bindings.begin(), bindings.end(),
                            [](const Binding& binding) { return is_libstdcxx(binding.library); }))
        << program << ": the loader named no binding to libstdc++";
    of_libtorch += static_cast<size_t>(
        std::count_if(bindings.begin(), bindings.end(),
                      [](const Binding& binding) { return is_libtorch(binding.library); }));
    EXPECT_THAT(names_taken_from_libtorch(bindings, libstdcxx), IsEmpty()) << program;
  }
  EXPECT_GT(of_libtorch, 0u) << "no program that uses LibTorch was looked at";
}

TEST(Linkage, LibstdcxxIsLoadedBeforeLibTorch) {
  // Names that no program asks for today, another one may ask for tomorrow.
  for (const std::string& program : programs()) {
    const auto result = run_child({program}, {.environment = {"LD_TRACE_LOADED_OBJECTS=1"}});
    ASSERT_EQ(result.exit_code, 0) << program << ": " << result.err;
    size_t libstdcxx = std::string::npos, libtorch = std::string::npos, number = 0;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line); ++number) {
      EXPECT_EQ(line.find("not found"), std::string::npos) << program << ": " << line;
      const std::string name = line.substr(0, line.find(" =>"));
      const auto begin = name.find_first_not_of(" \t");
      if (begin == std::string::npos) continue;
      if (is_libstdcxx(name)) libstdcxx = number;
      if (is_libtorch(name.substr(begin))) libtorch = std::min(libtorch, number);
    }
    EXPECT_LT(libstdcxx, libtorch) << program << ":\n" << result.out;
  }
}

TEST(Linkage, AnotherLibraryDoesNotStandInForLibstdcxx) {
  use_foreign_std();
  const TemporaryFolder folder;
  fs::create_directories(folder.file("a/b"));
  std::ofstream(folder.file("a/b/c")) << 1;
  EXPECT_EQ(fs::remove_all(folder.file("a")), 3u);  // a, a/b and a/b/c
  EXPECT_FALSE(fs::exists(folder.file("a")));
}

}  // namespace
}  // namespace linformer
