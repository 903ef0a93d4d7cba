// SPDX-License-Identifier: Apache-2.0
#include "io/lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "talweg/error.hpp"
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
  EXPECT_TRUE(DirectoryLock::held(folder.path()));
  first.reset();
  EXPECT_FALSE(DirectoryLock::held(folder.path()));
  EXPECT_NO_THROW(DirectoryLock(folder.path()));
}

TEST(DirectoryLock, IsRefusedWhereTheFileIsSomethingElse) {
  const test::Folder folder;
  const auto file = folder.path() / DirectoryLock::kFile;
  std::filesystem::create_symlink("elsewhere", file);
  EXPECT_THROW(DirectoryLock(folder.path()), base::Error);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_THROW(DirectoryLock(folder.path()), base::Error);
  EXPECT_FALSE(DirectoryLock::held(folder.path()));
}

// Another user's file can only be opened for reading; the lock still works.
TEST(DirectoryLock, HoldsOnAFileThatIsNotOurs) {
  const test::Folder folder;
  const auto file = folder.path() / DirectoryLock::kFile;
  { const DirectoryLock makes_the_file(folder.path()); }
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  const DirectoryLock first(folder.path());
  EXPECT_TRUE(DirectoryLock::held(folder.path()));
  EXPECT_THROW(DirectoryLock(folder.path()), base::Error);
}

TEST(DirectoryLock, OutlivesItsFile) {
  const test::Folder folder;
  const DirectoryLock first(folder.path());
  ASSERT_TRUE(std::filesystem::remove(folder.path() / DirectoryLock::kFile));
  EXPECT_TRUE(DirectoryLock::held(folder.path()));
  EXPECT_THROW(DirectoryLock(folder.path()), base::Error);
}

// A process that checks whether a run is alive holds the lock for a moment; a killed one, until the kernel has cleaned up.
TEST(DirectoryLock, WaitsForAShortLookAndForWhoIsDying) {
  const test::Folder folder;
  { const DirectoryLock makes_the_file(folder.path()); }
  const int looking = open((folder.path() / DirectoryLock::kFile).c_str(), O_RDONLY);
  ASSERT_EQ(flock(looking, LOCK_SH | LOCK_NB), 0);
  std::thread done([looking] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    close(looking);
  });
  EXPECT_NO_THROW(DirectoryLock(folder.path()));
  done.join();
}

}  // namespace
}  // namespace talweg::io
