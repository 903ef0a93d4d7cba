// SPDX-License-Identifier: Apache-2.0
// Atomic files: all or nothing, and the reason of a failure.
#include "io/atomic_file.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

#include "io/read_file.hpp"
#include "tests/io/support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

std::vector<std::byte> content(std::size_t size, int seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 131 + static_cast<std::size_t>(seed));
  return bytes;
}

using AtomicFiles = Scratch;

TEST_F(AtomicFiles, WritesAndReplaces) {
  const auto file = directory_ / "a.bin";
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, std::size_t{3} << 20, std::size_t{7}}) {
    write_atomically(file, content(size, 1));
    EXPECT_EQ(bytes_of(file), content(size, 1));
    EXPECT_EQ(read_file(file), content(size, 1));
    EXPECT_EQ(names_in(directory_), std::vector<std::string>{"a.bin"});
  }
}

TEST_F(AtomicFiles, WorksInTheCurrentDirectory) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory_);
  write_atomically("bare.bin", content(10, 2));
  std::filesystem::current_path(before);
  EXPECT_EQ(bytes_of(directory_ / "bare.bin"), content(10, 2));
}

TEST_F(AtomicFiles, FullDiskLeavesTheOldFile) {
  const auto file = directory_ / "a.bin";
  write_atomically(file, content(100, 1));
  for (const rlim_t room : {0, 1, 512, 4096, 9999}) {
    const SizeLimit limit(room);
    expect_error(ExitCode::io, {file.string(), "cannot write", std::strerror(EFBIG)},
                 [&] { write_atomically(file, content(10000, 2)); });
  }
  EXPECT_EQ(bytes_of(file), content(100, 1));
  EXPECT_EQ(names_in(directory_), std::vector<std::string>{"a.bin"}) << "the temporary file is gone";
  write_atomically(file, content(10000, 2));  // the disk has recovered
  EXPECT_EQ(bytes_of(file), content(10000, 2));
}

TEST_F(AtomicFiles, MissingDirectory) {
  const auto file = directory_ / "none" / "a.bin";
  expect_error(ExitCode::cannot_create, {file.string(), "cannot create", "No such file or directory"},
               [&] { write_atomically(file, content(1, 1)); });
}

TEST_F(AtomicFiles, ForbiddenDirectory) {
  // In sysfs not even root can create files.
  const std::filesystem::path file = "/sys/talweg_test.bin";
  if (!std::filesystem::exists("/sys/kernel")) GTEST_SKIP() << "no sysfs here";
  expect_error(ExitCode::permission, {file.string(), "cannot create"}, [&] { write_atomically(file, content(1, 1)); });
}

TEST_F(AtomicFiles, ReadOnlyDirectory) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const auto file = directory_ / "a.bin";
  write_atomically(file, content(100, 1));
  std::filesystem::permissions(directory_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  expect_error(ExitCode::permission, {file.string(), "Permission denied"}, [&] { write_atomically(file, content(1, 2)); });
  std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
  EXPECT_EQ(bytes_of(file), content(100, 1));
}

TEST_F(AtomicFiles, ReplacesOnlyRegularFiles) {
  std::filesystem::create_directory(directory_ / "folder");
  expect_error(ExitCode::cannot_create, {"folder", "no regular file"},
               [&] { write_atomically(directory_ / "folder", content(1, 1)); });
  expect_error(ExitCode::cannot_create, {"/dev/null", "no regular file"},
               [&] { write_atomically("/dev/null", content(1, 1)); });
}

TEST_F(AtomicFiles, ReplacesALinkNotWhatItPointsTo) {
  write_atomically(directory_ / "precious.bin", content(10, 1));
  std::filesystem::create_symlink("precious.bin", directory_ / "link.bin");
  write_atomically(directory_ / "link.bin", content(20, 2));
  EXPECT_EQ(bytes_of(directory_ / "precious.bin"), content(10, 1));
  EXPECT_FALSE(std::filesystem::is_symlink(directory_ / "link.bin"));
}

TEST_F(AtomicFiles, SurvivesALeftoverOfItsOwnName) {
  const auto leftover = directory_ / (".a.bin." + std::to_string(::getpid()) + ".tmp");
  std::filesystem::create_symlink(directory_ / "elsewhere", leftover);
  write_atomically(directory_ / "a.bin", content(20, 2));
  EXPECT_EQ(names_in(directory_), std::vector<std::string>{"a.bin"}) << "nothing is written through a link that lay in wait";
}

TEST_F(AtomicFiles, RemovesLeftovers) {
  put_file(directory_ / ".step-1.h5.4711.tmp", content(10, 1));
  put_file(directory_ / "kept.tmp", content(10, 1));
  put_file(directory_ / ".kept", content(10, 1));
  remove_leftovers(directory_);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{".kept", "kept.tmp"}));
  remove_leftovers(directory_ / "none");  // nothing to do, no error
}

TEST_F(AtomicFiles, KilledAtAnyTimeItIsOldOrNew) {
  const auto file = directory_ / "a.bin";
  const auto old_content = content(2 << 20, 1), new_content = content(2 << 20, 2);
  write_atomically(file, old_content);
  int seen_old = 0, seen_new = 0;
  for (int trial = 0; trial < 40; ++trial) {
    write_atomically(file, old_content);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      write_atomically(file, new_content);
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(150 * trial));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto now = bytes_of(file);
    ASSERT_TRUE(now == old_content || now == new_content) << "trial " << trial;
    ++(now == old_content ? seen_old : seen_new);
  }
  EXPECT_GT(seen_old, 0);
  remove_leftovers(directory_);
  EXPECT_EQ(names_in(directory_), std::vector<std::string>{"a.bin"});
}

TEST_F(AtomicFiles, ReadingNamesTheFile) {
  expect_error(ExitCode::input_missing, {(directory_ / "none").string(), "No such file"},
               [&] { return read_file(directory_ / "none"); });
  expect_error(ExitCode::bad_data, {directory_.string(), "no regular file"}, [&] { return read_file(directory_); });
}

}  // namespace
}  // namespace talweg::io
