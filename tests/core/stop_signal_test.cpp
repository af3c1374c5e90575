#include "linformer/core/stop_signal.h"

#include <cerrno>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace linformer {
namespace {

/// Exit status of a child process that runs `action`; 128 + n if signal n ended it.
template <class Action>
int status_of_child(Action&& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(StopSignal, EndsAProcessThatHasNothingToPutInOrder) {
  for (const int number : kStopSignals) {
    EXPECT_EQ(status_of_child([&] {
                install_signals();
                ::raise(number);
              }),
              128 + number);
  }
}

TEST(StopSignal, OthersAreNone) {
  for (const int number : {SIGINT, SIGHUP, SIGXCPU, SIGTERM}) EXPECT_TRUE(is_stop_signal(number));
  for (const int number : {-1, 0, SIGKILL, SIGSEGV, SIGUSR1, SIGPIPE, 1000}) {
    EXPECT_FALSE(is_stop_signal(number)) << number;
  }
}

TEST(StopSignal, TheFirstSetsTheFlag) {
  for (const int number : kStopSignals) {
    EXPECT_EQ(status_of_child([&] {
                install_signals();
                defer_stop_signals();
                if (stop_signal() != 0) ::_exit(90);
                ::raise(number);
                ::_exit(stop_signal());
              }),
              number);
  }
}

TEST(StopSignal, AllThatFollowWithinMomentsAreTheSame) {
  for (const int first : kStopSignals) {
    EXPECT_EQ(status_of_child([&] {
                install_signals();
                defer_stop_signals();
                ::raise(first);
                for (int round = 0; round < 3; ++round) {
                  for (const int number : kStopSignals) ::raise(number);
                }
                ::_exit(stop_signal());
              }),
              first);
  }
}

TEST(StopSignal, OnlySomebodyAtTheKeyboardEndsItLater) {
  EXPECT_EQ(status_of_child([] {
              install_signals();
              defer_stop_signals();
              ::raise(SIGINT);
              ::sleep(kRepeatSeconds + 1);
              ::raise(SIGTERM);  // schedulers repeat themselves while a program saves
              if (stop_signal() != SIGINT) ::_exit(90);
              ::raise(SIGINT);
            }),
            1000 + SIGINT)
      << "an end that saves nothing must not look like one in order";
}

TEST(StopSignal, ASignalThatIsIgnoredAtTheStartStaysSo) {
  EXPECT_EQ(status_of_child([] {
              ::signal(SIGHUP, SIG_IGN);  // nohup
              install_signals();
              ::raise(SIGHUP);
              ::_exit(9);
            }),
            9);
}

TEST(StopSignal, AFailedWriteIsAnErrorAndNoSignal) {
  EXPECT_EQ(status_of_child([] {
              install_signals();
              int ends[2];
              if (::pipe(ends) != 0) ::_exit(90);
              ::close(ends[0]);
              ::_exit(::write(ends[1], "x", 1) < 0 && errno == EPIPE ? 9 : 8);
            }),
            9);
}

TEST(StopSignal, WhatANewProgramGetsIsAsItWas) {
  EXPECT_EQ(status_of_child([] {
              install_signals();
              restore_signals();
              ::raise(SIGPIPE);
            }),
            1000 + SIGPIPE);
}

TEST(StopSignal, ARequestByHandIsNoFirstSignal) {
  EXPECT_EQ(status_of_child([] {
              install_signals();
              defer_stop_signals();
              set_stop_signal(SIGTERM);
              ::raise(SIGINT);
              ::_exit(stop_signal() == SIGINT ? 7 : 8);
            }),
            7);
}

TEST(StopSignal, AReadGoesOnAfterASignal) {
  int to_child[2], to_parent[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(to_parent), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    install_signals();
    defer_stop_signals();
    if (::write(to_parent[1], "r", 1) != 1) ::_exit(2);
    char byte = 0;
    const bool read_it = ::read(to_child[0], &byte, 1) == 1;
    ::_exit(read_it && stop_signal() == SIGTERM ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(to_parent[0], &byte, 1), 1);
  ::usleep(20000);  // by now the child waits in read()
  ::kill(child, SIGTERM);
  ::usleep(20000);
  ASSERT_EQ(::write(to_child[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  for (const int end : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(end);
}

TEST(SaveSignal, IsARequestThatIsTakenOnceAndStopsNothing) {
  EXPECT_EQ(status_of_child([] {
              install_save_signal();
              if (take_save_request()) ::_exit(1);
              ::raise(SIGUSR1);
              ::raise(SIGUSR1);
              if (stop_signal() != 0) ::_exit(2);
              if (!take_save_request()) ::_exit(3);
              ::_exit(take_save_request() ? 4 : 9);
            }),
            9);
}

TEST(StopSignal, ClearsByHand) {
  set_stop_signal(SIGINT);
  EXPECT_EQ(stop_signal(), SIGINT);
  set_stop_signal(0);
  EXPECT_EQ(stop_signal(), 0);
}

}  // namespace
}  // namespace linformer
