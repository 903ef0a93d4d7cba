// SPDX-License-Identifier: Apache-2.0
// Which rank is blamed and when, with simulated ranks and nodes. With real ones: tests/e2e/peers_test.cpp.
#include "comm/watchdog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>

namespace talweg::comm {
namespace {

constexpr double kDeadline = 0.4;
void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// Records what is sent; what is received comes from `says`.
class FakeChannel final : public ReportChannel {
 public:
  struct Wire {
    std::mutex mutex;
    std::vector<std::pair<int, NodeReport>> told;
    std::function<std::optional<NodeReport>()> says;
    int from = 1;
    bool fresh = false;  // a look may receive one report
  };
  explicit FakeChannel(Wire& wire) : wire_(wire) {}
  void send(int rank, const NodeReport& report) override {
    const std::lock_guard lock(wire_.mutex);
    wire_.told.emplace_back(rank, report);
  }
  std::optional<std::pair<int, NodeReport>> receive() override {
    wire_.fresh = !wire_.fresh;
    if (!wire_.fresh || !wire_.says) return std::nullopt;
    const auto report = wire_.says();
    return report ? std::optional(std::pair(wire_.from, *report)) : std::nullopt;
  }
  [[nodiscard]] std::string name_of(int node) const override { return "host h" + std::to_string(node); }

 private:
  Wire& wire_;
};

class Watchdogs : public testing::Test {
 protected:
  Watchdogs() {
    for (int r = 0; r < 2; ++r) {
      ranks_[r].rank = r;
      ranks_[r].process = 100 + r;
      ranks_[r].host = {"here"};
    }
    ranks_[0].calls = 7;  // waits
  }
  void watch(Node where = {.places = 2}, bool channel = false) {
    watchdog_ =
        std::make_unique<Watchdog>(std::vector<Presence*>{&ranks_[0], &ranks_[1]}, where, false,
                                   channel ? std::make_unique<FakeChannel>(wire_) : nullptr, [this](const std::string& why) {
                                     const std::lock_guard lock(mutex_);
                                     if (said_.empty()) said_ = why;
                                   });
    watchdog_->deadline(kDeadline);
  }
  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  std::string await() {
    for (int i = 0; i < 500 && said().empty(); ++i) sleep(0.02);
    return said();
  }
  static NodeReport report(double quiet, const std::string& text = "") {
    NodeReport w{.quiet = quiet, .node = 1, .waits = 1, .text = {}};
    text.copy(w.text.data(), w.text.size() - 1);
    return w;
  }

  std::array<Presence, 2> ranks_;
  std::mutex mutex_;
  std::string said_;
  FakeChannel::Wire wire_;
  std::unique_ptr<Watchdog> watchdog_;
};

TEST_F(Watchdogs, AProcessThatDoesNotRunIsToBlame) {
  ranks_[1].calls = 7;  // it was waiting as well
  watch();
  EXPECT_NE(await().find("rank 1 on here (process 101) does not run"), std::string::npos) << said();
}

TEST_F(Watchdogs, ElseWhoDoesNotWait) {
  ranks_[1].activity = static_cast<std::uint32_t>(Activity::computing);
  ranks_[1].step = 12;
  EXPECT_EQ(culprits(std::vector<Presence*>{&ranks_[0], &ranks_[1]}, {true, true}),
            "rank 1 on here (process 101) does not get on: it is computing, step 12");
  ranks_[1].calls = 3;
  EXPECT_NE(culprits(std::vector<Presence*>{&ranks_[0], &ranks_[1]}, {true, true}).find("all wait for each other"),
            std::string::npos);
}

TEST_F(Watchdogs, WhoMovesIsWaitedForAndWhoWaitsForNobodyToo) {
  watch();
  for (int i = 0; i < 100; ++i) {
    ++ranks_[1].work;
    sleep(0.02);
  }
  EXPECT_EQ(said(), "");
  ranks_[0].calls = 8;  // does something itself
  sleep(3 * kDeadline);
  EXPECT_EQ(said(), "");
  ranks_[0].calls = 9;
  ranks_[0].allowed = 1000;  // a long request
  sleep(3 * kDeadline);
  EXPECT_EQ(said(), "");
}

TEST_F(Watchdogs, ADeadlineOfZeroIsNone) {
  watch();
  watchdog_->deadline(0);
  sleep(3 * kDeadline);
  EXPECT_EQ(said(), "");
}

TEST_F(Watchdogs, RankZeroEndsTheJobForANodeThatIsNotHeardFrom) {
  ranks_[1].calls = 7;
  std::atomic<bool> stop = false;
  std::thread alive([&] {
    for (; !stop; sleep(0.01)) ++ranks_[1].beats;
  });
  watch({.nodes = 2, .places = 2}, true);
  EXPECT_NE(await().find("host h1: not heard from"), std::string::npos) << said();
  stop = true;
  alive.join();
}

TEST_F(Watchdogs, RankZeroWaitsForNodesThatGetOnAndRepeatsWhomTheyBlame) {
  ranks_[1].calls = 7;
  std::atomic<bool> stop = false;
  std::atomic<double> quiet = 0;
  std::thread alive([&] {
    for (; !stop; sleep(0.01)) ++ranks_[1].beats;
  });
  wire_.says = [&] { return report(quiet, quiet > 0 ? "rank 5 on there does not run" : ""); };
  watch({.nodes = 2, .places = 2}, true);
  sleep(4 * kDeadline);
  EXPECT_EQ(said(), "");
  quiet = 2 * kDeadline;
  EXPECT_NE(await().find("rank 5 on there does not run"), std::string::npos) << said();
  stop = true;
  alive.join();
}

TEST_F(Watchdogs, ANodeEndsTheJobWhenRankZeroNeverAnswers) {
  ranks_[1].calls = 7;
  std::atomic<bool> stop = false;
  std::thread alive([&] {
    for (; !stop; sleep(0.01)) ++ranks_[1].beats;
  });
  wire_.says = [] { return std::optional(report(0)); };
  watch({.index = 1, .nodes = 2, .places = 2}, true);
  sleep(3 * kDeadline);
  EXPECT_EQ(said(), "");
  {
    const std::lock_guard lock(wire_.mutex);
    ASSERT_FALSE(wire_.told.empty());
    EXPECT_EQ(wire_.told.back().first, 0);
    EXPECT_EQ(wire_.told.back().second.node, 1);
    EXPECT_GT(wire_.told.back().second.quiet, kDeadline);
  }
  stop = true;
  alive.join();
  watchdog_.reset();
  said_.clear();
  wire_.says = nullptr;
  ranks_[1].beats = 0;
  std::atomic<bool> over = false;
  std::thread again([&] {
    for (; !over; sleep(0.01)) ++ranks_[1].beats;
  });
  watch({.index = 1, .nodes = 2, .places = 2}, true);
  EXPECT_NE(await().find("rank 0 (host h0) has not been heard from"), std::string::npos) << said();
  over = true;
  again.join();
}

TEST_F(Watchdogs, ANodeOfWhichNobodyWaitsSaysWhoDoesNotGetOn) {
  ranks_[0].calls = 8;
  ranks_[0].activity = static_cast<std::uint32_t>(Activity::computing);
  ranks_[0].step = 12;
  wire_.from = 0;
  wire_.says = [] { return report(0); };
  watch({.index = 1, .nodes = 2, .places = 2}, true);
  const auto named = [&] {
    const std::lock_guard lock(wire_.mutex);
    return std::ranges::any_of(wire_.told, [](const auto& told) {
      return std::string(told.second.text.data()).find("computing, step 12") != std::string::npos ||
             std::string(told.second.text.data()).find("does not run") != std::string::npos;
    });
  };
  for (int i = 0; i < 500 && !named(); ++i) sleep(0.02);
  EXPECT_TRUE(named()) << "others wait for this node, and are not told for whom";
}

}  // namespace
}  // namespace talweg::comm
