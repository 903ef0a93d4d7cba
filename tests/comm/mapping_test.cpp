// SPDX-License-Identifier: Apache-2.0
#include "comm/mapping.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "talweg/error.hpp"

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

TEST(Mapping, GivesWholePagesBack) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  Mapping mine(4 * page);
  const Mapping theirs(mine.name());
  std::ranges::fill(mine.bytes(), std::byte{9});
  const auto held = [&] {
    struct stat file {};
    fstat(mine.name().descriptor, &file);
    return static_cast<std::size_t>(file.st_blocks) * 512;
  };
  ASSERT_EQ(held(), 4 * page);
  mine.forget(page - 1, 2 * page + 2);  // all of two pages, and a byte on either side
  EXPECT_EQ(held(), 2 * page);
  EXPECT_EQ(theirs.bytes()[page - 1], std::byte{9});
  EXPECT_EQ(theirs.bytes()[page], std::byte{0}) << "for all who share it";
  EXPECT_EQ(theirs.bytes()[3 * page], std::byte{9});
  const std::size_t now = held();  // looking at it has allocated a page
  mine.forget(1, page / 2);
  EXPECT_EQ(held(), now) << "no whole page";
}

}  // namespace
}  // namespace talweg::comm
