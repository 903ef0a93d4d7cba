// SPDX-License-Identifier: Apache-2.0
#include "engine/fault.hpp"

#include <gtest/gtest.h>

#include "talweg/error.hpp"

namespace talweg::engine {
namespace {

TEST(Faults, StrikeOnTheirRankFromTheirStepOnSoManyTimes) {
  Fault fault = Fault::parse("nan-loss rank=1 step=7 times=2");
  EXPECT_EQ(fault.kind(), Fault::Kind::nan_loss);
  EXPECT_FALSE(fault.due(0, 7));
  EXPECT_FALSE(fault.due(1, 6));
  EXPECT_TRUE(fault.due(1, 7));
  EXPECT_TRUE(fault.due(1, 9));
  EXPECT_FALSE(fault.due(1, 10));
  EXPECT_TRUE(Fault::parse("kill").due(0, 1)) << "rank 0, the first step, once";
}

TEST(Faults, SayWhatIsWrongWithTheirText) {
  for (const char* text : {"", "nann", "nan rank", "nan rank=x", "nan rank=-1", "nan step=7x", "nan place=3"}) {
    try {
      Fault::parse(text);
      ADD_FAILURE() << text;
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), base::ExitCode::usage);
      EXPECT_NE(std::string(e.what()).find("TALWEG_FAULT"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace talweg::engine
