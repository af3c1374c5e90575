// Programs on a terminal. linformer-predict by hand: a prompt, answers, and Ctrl-C or Ctrl-D as
// goodbye. Long measurements: a line with the time that is left.
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/predict_fixture.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

/// A program on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> command) {
    child_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ < 0) throw std::runtime_error("no terminal");
    if (child_ == 0) {
      const std::string program = std::string(LINFORMER_PROGRAMS_DIR) + "/" + command.front();
      std::vector<char*> arguments;
      for (std::string& argument : command) arguments.push_back(argument.data());
      arguments.push_back(nullptr);
      ::execv(program.c_str(), arguments.data());
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(terminal_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& text) const {
    ASSERT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  /// What the terminal shows from the last call on, until it ends with `end`.
  std::string shown_until(const std::string& end) const {
    constexpr int kMilliseconds = 60'000;
    std::string text;
    while (!text.ends_with(end)) {
      pollfd output{terminal_, POLLIN, 0};
      char buffer[4096];
      if (::poll(&output, 1, kMilliseconds) <= 0) break;
      const ssize_t count = ::read(terminal_, buffer, sizeof(buffer));
      if (count <= 0) break;  // the program has ended
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }

  int exit_code() {
    shown_until("never shown");  // a program may wait for its output to be read
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  int terminal_ = -1;
  pid_t child_ = -1;
};

class PredictTerminalTest : public PredictTest {};

TEST_F(PredictTerminalTest, HasAPromptAndEndsWithAGoodbye) {
  for (const char* goodbye : {"\x03", "\x04"}) {
    Terminal terminal(command("fill-mask", "mlm", {"--top-k", "1"}));
    EXPECT_THAT(terminal.shown_until("> "), HasSubstr("Type a text with <mask> in the place of"));
    terminal.type("the <mask>\n");
    EXPECT_THAT(terminal.shown_until("> "),
                ::testing::ContainsRegex("<mask>\r\n[^ ]+ [0-9.e-]+\r\n"));
    terminal.type("no word is hidden\n");  // an error, and it goes on
    EXPECT_THAT(terminal.shown_until("> "), HasSubstr("error: "));
    terminal.type(goodbye);
    EXPECT_EQ(terminal.exit_code(), 0);
  }
}

TEST_F(PredictTerminalTest, LongMeasurementsSayHowLongTheyTake) {
  make_model("long", {}, [](ModelConfig& config) {
    config.max_sequence_length = 256;
    config.attention.type = AttentionType::kStandard;
  });
  const std::vector<std::string> text{"--data", valid_text(), "--max-sequences", "24"};
  const auto expect = [&](const std::string& name, std::vector<std::string> more,
                          const std::string& units) {
    std::vector<std::string> line{"linformer-eval", name,        "--checkpoint",
                                  file("long"),     "--threads", "1"};
    line.insert(line.end(), more.begin(), more.end());
    Terminal terminal(line);
    const std::string shown = terminal.shown_until("never shown");
    EXPECT_THAT(shown, ::testing::ContainsRegex(units + " [|] [0-9]+ % [|] ETA ")) << name;
  };
  expect("recall", {"--questions", "4000"}, "asking: [0-9,]+ of 4,000 questions");
  expect("spectrum", text, "singular values: [0-9]+ of 48 layers of 24 sequences");
  expect("projection-error", text, "projecting: [0-9]+ of 48 layers of 24 sequences");
}

}  // namespace
}  // namespace linformer
