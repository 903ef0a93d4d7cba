// SPDX-License-Identifier: Apache-2.0
#include "talweg/signals.hpp"

#include <gtest/gtest.h>

namespace talweg::base {
namespace {

/// Sets what HUP does, independently of how the tests were started; restored at the end.
class Hangup {
 public:
  explicit Hangup(void (*handler)(int)) : before_(std::signal(SIGHUP, handler)) {}
  ~Hangup() { std::signal(SIGHUP, before_); }

 private:
  void (*before_)(int);
};

TEST(SignalWatch, CatchesAndSaysSoOnce) {
  const Hangup usual(SIG_DFL);
  const SignalWatch watch;
  SignalWatch::take();
  raise(SIGUSR2);
  raise(SIGHUP);
  EXPECT_EQ(SignalWatch::take(), static_cast<std::uint32_t>(checkpoint_and_go_on | stop_now));
  EXPECT_EQ(SignalWatch::take(), 0u);
}

TEST(SignalWatch, AHangupThatIsIgnoredAlreadyIsNoReasonToStop) {
  const Hangup by_nohup(SIG_IGN);
  const SignalWatch watch;
  SignalWatch::take();
  raise(SIGHUP);
  EXPECT_EQ(SignalWatch::take(), 0u);
}

TEST(SignalWatch, WhatWasBeforeIsRestored) {
  struct sigaction ours {};
  ours.sa_handler = SIG_IGN;
  struct sigaction before {};
  sigaction(SIGUSR1, &ours, &before);
  { const SignalWatch watch; }
  struct sigaction now {};
  sigaction(SIGUSR1, &before, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
}

TEST(SignalWatch, IgnoredFromNow) {
  EXPECT_EXIT(
      {
        {
          SignalWatch watch;
          watch.ignore_from_now();
        }
        for (const int number : {SIGUSR1, SIGUSR2, SIGINT, SIGTERM, SIGHUP}) raise(number);
        std::_Exit(3);
      },
      testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace talweg::base
