// SPDX-License-Identifier: Apache-2.0
#include "talweg/io/lock.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "talweg/base/error.hpp"
#include "tests/support/folder.hpp"

namespace talweg::io {
namespace {

TEST(DirectoryLock, LetsOneWriterInAtATime) {
  const test::Folder folder;
  std::optional<DirectoryLock> first(folder.path());
  try {
    const DirectoryLock second(folder.path());
    FAIL() << "two writers in one run directory";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), base::ExitCode::cannot_create);
    EXPECT_NE(std::string(e.what()).find(folder.path().string()), std::string::npos) << e.what();
  }
  first.reset();
  EXPECT_NO_THROW(DirectoryLock(folder.path()));
}

}  // namespace
}  // namespace talweg::io
