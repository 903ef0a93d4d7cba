// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: scratch directories, expected errors, Python.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "talweg/error.hpp"

namespace talweg::io {

/// A directory of its own for each test, removed afterwards.
class Scratch : public testing::Test {
 protected:
  Scratch() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 ("talweg_" + std::string(test->test_suite_name()) + "_" + test->name() + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
  }
  ~Scratch() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

inline std::vector<std::byte> bytes_of(const std::filesystem::path& file) {
  std::vector<std::byte> bytes(std::filesystem::file_size(file));
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void put_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The bytes that this process has read from files, from the page cache too; nothing where the kernel does not count them.
inline std::optional<std::size_t> bytes_read() {
  std::ifstream counts("/proc/self/io");
  std::string name;
  std::size_t bytes = 0;
  if (!(counts >> name >> bytes) || name != "rchar:") return std::nullopt;
  return bytes;
}

/// Limits the files of this process to so many bytes, which to write() looks like a full disk.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

/// `work` must throw a base::Error with this code whose message has all these parts.
template <class Work>
void expect_error(base::ExitCode code, const std::vector<std::string>& parts, Work work) {
  try {
    static_cast<void>(work());
    ADD_FAILURE() << "nothing was thrown";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << "no '" << part << "' in: " << e.what();
  }
}

struct Ran {
  int status;
  std::string output;  // stdout and stderr
};

/// Runs Debian's Python, the one that has numpy and h5py, on a script.
inline Ran python(const std::filesystem::path& directory, const std::string& script) {
  const auto file = directory / "script.py";
  std::ofstream(file) << script;
  const std::string command = "cd '" + directory.string() + "' && /usr/bin/python3 script.py 2>&1";
  Ran ran{.status = -1, .output = {}};
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return ran;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) ran.output += static_cast<char>(c);
  ran.status = ::pclose(pipe);
  std::filesystem::remove(file);
  return ran;
}

inline bool python_has(const std::filesystem::path& directory, const std::string& modules) {
  return python(directory, "import " + modules).status == 0;
}

}  // namespace talweg::io
