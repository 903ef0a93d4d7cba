// SPDX-License-Identifier: Apache-2.0
#include "comm/mapping.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "talweg/base/error.hpp"

namespace talweg::comm {
namespace {

TEST(Mapping, IsSeenByAnotherProcess) {
  Mapping mine(100);
  EXPECT_EQ(mine.bytes()[99], std::byte{0});
  const MappingName name = mine.name();
  const pid_t child = fork();
  if (child == 0) {
    const Mapping theirs(name);
    theirs.bytes()[99] = std::byte{7};
    _exit(theirs.bytes().data() != mine.bytes().data() ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mine.bytes()[99], std::byte{7});
}

TEST(Mapping, WithoutItsFileNobodyFindsIt) {
  Mapping mine(100);
  const MappingName name = mine.name();
  const Mapping theirs(name);
  mine.close_file();
  mine.bytes()[0] = std::byte{3};
  EXPECT_EQ(theirs.bytes()[0], std::byte{3}) << "who has it keeps it";
  EXPECT_THROW(const Mapping late(name), base::Error);
}

}  // namespace
}  // namespace talweg::comm
