// tools/setup.sh with a package manager that only records its arguments.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

class SetupTest : public ::testing::Test {
 protected:
  SetupTest() {
    fs::create_directories(file("clone"));
    fs::copy(root_folder() / "tools", file("clone/tools"), fs::copy_options::recursive);
    write_program("dpkg-query", "echo not-installed");
    write_program("apt-get", "echo \"$@\" >>" + file("asked"));
    write_program("sudo", "\"$@\"");
    // An own LibTorch, so that none is fetched.
    fs::create_directories(file("torch/share/cmake/Torch"));
    fs::create_directories(file("torch/lib"));
    write("torch/share/cmake/Torch/TorchConfig.cmake", "");
    write("torch/lib/libtorch.so", "");
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream stream(file(name));
    stream << text;
  }
  void write_program(const std::string& name, const std::string& line) const {
    fs::create_directories(file("bin"));
    write("bin/" + name, "#!/bin/sh\n" + line + "\n");
    fs::permissions(file("bin/" + name), fs::perms::owner_all);
  }
  /// Runs the script, returns what it printed; the packages it asked for are in packages().
  std::string set_up(const std::string& options) const {
    const std::string command = "PATH=" + file("bin") + ":$PATH LIBTORCH=" + libtorch_ + " " +
                                file("clone/tools/setup.sh") + " " + options + " >" + file("log") +
                                " 2>&1";
    const int status = std::system(command.c_str());
    const std::string log = read_file(file("log"));
    EXPECT_EQ(status, 0) << log;
    return log;
  }
  std::string packages() const { return read_file(file("asked")); }

  TemporaryFolder folder_;
  std::string libtorch_ = file("torch");
};

TEST_F(SetupTest, ATrialTakesNothingOfTheTests) {
  set_up("");
  EXPECT_THAT(packages(), AllOf(HasSubstr(" g++ "), HasSubstr(" libsentencepiece-dev")));
  EXPECT_THAT(packages(), Not(ContainsRegex("clang|libg(test|mock)|iproute2")));
}

TEST_F(SetupTest, TheTestsTakeTheFormatterFromWhereEverySystemHasIt) {
  // A formatter of the right version on the path is taken, one of another version is not.
  write_program("clang-format", "echo clang-format version 14.0.6");
  write_program("clang-format-14", "echo clang-format version 14.0.66");
  EXPECT_THAT(set_up("--tests"), HasSubstr("formatter: clang-format (14.0.6)"));
  EXPECT_THAT(packages(), AllOf(HasSubstr(" libgtest-dev"), HasSubstr(" iproute2"),
                                HasSubstr(" libsentencepiece-dev")));
  EXPECT_THAT(packages(), Not(HasSubstr("clang"))) << "distributions drop old versions of it";
}

TEST_F(SetupTest, FetchesTheFormatterWhereTheSystemHasNone) {
  write_program("clang-format", "echo clang-format version 19.1.7");
  write_program("clang-format-14", "exit 127");
  // A package index that has the wheel: `pip download ... --dest FOLDER ...`.
  write_program("python3", "while [ \"$1\" != --dest ]; do shift; done; mkdir -p \"$2\" && cp " +
                               file("wheel.whl") +
                               " \"$2/clang_format-14.0.6-py2.py3-none-any.whl\"");
  write_program("unzip", "while [ \"$1\" != -d ]; do shift; done; cp " + file("wheel.whl") +
                             " \"$2/clang-format\"");
  write("wheel.whl", "#!/bin/sh\necho clang-format version 14.0.6 '(wheel)'\n");
  EXPECT_THAT(set_up("--tests"), HasSubstr("formatter: .deps/clang-format (14.0.6)"));
}

TEST_F(SetupTest, TakesTheFormatterOfTheDistributionWhereNoIndexHasIt) {
  write_program("clang-format", "exit 127");
  write_program("clang-format-14", "exit 127");
  write_program("python3", "exit 1");
  write("14", "#!/bin/sh\necho Debian clang-format version 14.0.6\n");
  write_program("apt-get", "case \"$*\" in *clang-format-14*) cp " + file("14") + " " +
                               file("bin/clang-format-14") + ";; esac");
  EXPECT_THAT(set_up("--tests"), HasSubstr("formatter: clang-format-14 (14.0.6)"));
}

TEST_F(SetupTest, PackagesTakeTheLicencesOfTheWheel) {
  write("wheel.whl", "");
  write_program("python3", "while [ \"$1\" != --dest ]; do shift; done; mkdir -p \"$2\" && cp " +
                               file("wheel.whl") + " \"$2/torch-2-any.whl\"");
  write_program(
      "unzip",
      "while [ \"$1\" != -d ]; do shift; done; mkdir -p \"$2/torch.dist-info/licenses\" && "
      "echo terms >\"$2/torch.dist-info/licenses/LICENSE\"");
  EXPECT_THAT(set_up("--package"), HasSubstr("licences: from the wheel"));
  EXPECT_THAT(packages(), AllOf(HasSubstr(" patchelf"), HasSubstr(" dpkg-dev")));
  EXPECT_THAT(packages(), Not(HasSubstr("libgtest-dev")));
  EXPECT_EQ(read_file(file("torch/licenses/LICENSE")), "terms\n");
  // They are there now, so an index is not asked again.
  write_program("python3", "exit 1");
  EXPECT_THAT(set_up("--package"), Not(HasSubstr("from the wheel")));
}

TEST_F(SetupTest, KeepsABuildForCuda) {
  const std::string script = read_file(file("clone/tools/setup.sh"));
  std::smatch version;
  ASSERT_TRUE(std::regex_search(script, version, std::regex("version=([0-9.]+)")));
  fs::create_directories(file("clone/.deps"));
  fs::copy(file("torch"), file("clone/.deps/libtorch"), fs::copy_options::recursive);
  write("clone/.deps/libtorch/.linformer-setup", version[1].str() + " cuda\n0 lib/libtorch.so\n");
  libtorch_.clear();
  write_program("python3", "exit 1");  // nothing can be fetched
  EXPECT_THAT(set_up(""), HasSubstr(version[1].str() + " cuda"));
}

TEST_F(SetupTest, ABuildOfAMovedCloneIsConfiguredAgain) {
  const std::string here = "clone/build/here", moved = "clone/build/moved";
  for (const std::string& build : {here, moved}) {
    fs::create_directories(file(build + "/CMakeFiles"));
    fs::create_directories(file(build + "/bin"));
    write(build + "/build.ninja", "");
  }
  const std::string home = "CMAKE_HOME_DIRECTORY:INTERNAL=";
  write(here + "/CMakeCache.txt", home + file("clone") + "\n");
  write(moved + "/CMakeCache.txt", home + file("old place") + "\n");
  EXPECT_THAT(set_up(""),
              HasSubstr("build/moved: configured when this clone was at " + file("old place")));
  EXPECT_TRUE(fs::exists(file(here + "/CMakeCache.txt")));
  EXPECT_TRUE(fs::exists(file(here + "/build.ninja")));
  EXPECT_FALSE(fs::exists(file(moved + "/CMakeCache.txt")));
  EXPECT_FALSE(fs::exists(file(moved + "/build.ninja")));
  EXPECT_TRUE(fs::exists(file(moved + "/bin"))) << "the programs run wherever they are";
}

}  // namespace
}  // namespace linformer
