// SPDX-License-Identifier: Apache-2.0
// The directory of a small run, created and resumed by the program itself.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/problems.hpp"
#include "tests/support/json.hpp"
#include "tests/support/process.hpp"

namespace talweg::test {

namespace fs = std::filesystem;
using nlohmann::json;

class RunDirectory : public testing::Test {
 protected:
  RunDirectory()
      : config_(
            folder_
                .write("small.toml", mlp_config("name = \"adam\"\nlr = 0.01\n", "64", 40) + "[checkpoint]\nevery_steps = 10\n")
                .string()) {}
  Result train(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"train", config_, "--run", run_.string(), "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return talweg(0, arguments);
  }
  void train_well(std::vector<std::string> more = {}) const {
    const Result result = train(std::move(more));
    ASSERT_EQ(result.code, 0) << result.err;
  }
  static bool says(const Result& result, const std::string& piece) {
    return (result.out + result.err).find(piece) != std::string::npos;
  }

  Folder folder_;
  std::string config_;
  fs::path run_ = folder_ / "run";
};

}  // namespace talweg::test
