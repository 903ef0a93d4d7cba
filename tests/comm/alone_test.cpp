// SPDX-License-Identifier: Apache-2.0
// One rank without MPI. Several ranks: tests/mpi.
#include <gtest/gtest.h>

#include "comm/agree.hpp"
#include "talweg/communicator.hpp"

namespace talweg::comm {
namespace {

TEST(Alone, CollectivesLeaveValuesAlone) {
  const auto comm = alone();
  EXPECT_EQ(comm->rank(), 0);
  EXPECT_EQ(comm->size(), 1);
  EXPECT_TRUE(comm->coordinator());
  std::vector<double> values = {1, 2};
  comm->sum(values);
  comm->broadcast_values(std::span(values));
  EXPECT_EQ(values, (std::vector<double>{1, 2}));
  EXPECT_EQ(comm->broadcast_text("text"), "text");
}

TEST(Alone, AFailureKeepsTheCodeAndTheMessage) {
  const auto comm = alone();
  EXPECT_NO_THROW(run_on_all_ranks(*comm, [] {}));
  try {
    run_on_all_ranks(*comm, [] { base::fail(base::ExitCode::bad_data, "file {}", 7); });
    FAIL();
  } catch (const AgreedFailure& e) {
    EXPECT_EQ(e.code(), base::ExitCode::bad_data);
    EXPECT_STREQ(e.what(), "file 7") << "no rank is named when there is only one";
  }
}

TEST(Alone, OtherExceptionsAreInternal) {
  const auto comm = alone();
  try {
    run_on_all_ranks(*comm, [] { throw std::runtime_error("odd"); });
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::internal);
    EXPECT_NE(std::string(e.what()).find("odd"), std::string::npos);
  }
}

}  // namespace
}  // namespace talweg::comm
