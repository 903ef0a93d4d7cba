// SPDX-License-Identifier: Apache-2.0
// How a rank ends that waits for others before there is a watchdog. With real ranks: tests/fault/faults.py, F15.
#include "comm/patience.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace talweg::comm {
namespace {

void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

TEST(PatienceDeathTest, EndsTheProcessAndSaysWhatItWaitedFor) {
  EXPECT_EXIT(
      {
        const Patience patience(0.2, "all ranks to start");
        sleep(60);
      },
      testing::ExitedWithCode(69), "waited 0.2 s for all ranks to start: another rank is stopped, stuck, or was never there");
}

TEST(PatienceDeathTest, NamesThoseBesideItThatAreStopped) {
  const pid_t beside = fork();
  ASSERT_GE(beside, 0);
  if (beside == 0) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(beside, &status, WUNTRACED), beside);
  EXPECT_EXIT(
      {
        const Patience patience(0.2, "all ranks to start");
        sleep(60);
      },
      testing::ExitedWithCode(69), "process " + std::to_string(beside) + "\\) does not run");
  kill(beside, SIGKILL);
  waitpid(beside, &status, 0);
}

TEST(PatienceDeathTest, IsOverInTimeOrNeverBegan) {
  EXPECT_EXIT(
      {
        { const Patience patience(0.3, "all ranks to start"); }
        const Patience none(0, "all ranks to start");
        sleep(0.6);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace talweg::comm
