// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "h5/file.hpp"
#include "talweg/error.hpp"

namespace talweg::h5 {

/// An empty file without a name.
class Nameless {
 public:
  Nameless() : descriptor_(::memfd_create("talweg test", 0)) {}
  ~Nameless() { ::close(descriptor_); }
  Nameless(const Nameless&) = delete;
  Nameless& operator=(const Nameless&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(::lseek(descriptor_, 0, SEEK_END)));
    EXPECT_EQ(::pread(descriptor_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

 private:
  int descriptor_;
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

}  // namespace talweg::h5
