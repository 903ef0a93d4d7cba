// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "talweg/base/error.hpp"

namespace talweg::h5 {

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
