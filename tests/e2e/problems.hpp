// SPDX-License-Identifier: Apache-2.0
// The two problems the end-to-end tests train: an MLP on the shipped digits and sparse logistic regression.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>

#include "base/random.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/source.hpp"

namespace talweg::test {

inline std::string digits() { return (source() / "configs/data/digits.csv.gz").string(); }

/// A made-up file of a9a's kind: rows of 14 binary features out of 123, labels from a hidden weight per feature.
inline std::string sparse_file(const Folder& folder, std::uint64_t rows = 3001) {
  const base::Random random(1, base::Purpose::test);
  std::string text;
  for (std::uint64_t i = 0; i < rows; ++i) {
    double score = 0;
    std::string row;
    for (std::uint64_t j = 0; j < 14; ++j) {
      const std::uint64_t feature = 9 * j - (j > 0 ? 1 : 0) + random.below(8, i, j);
      score += random.normal(feature, 1U << 20);
      row += " " + std::to_string(feature + 1) + ":1";
    }
    text += (random.uniform(i, 1U << 21) < 1 / (1 + std::exp(-score)) ? "+1" : "-1") + row + "\n";
  }
  return folder.write("sparse.libsvm", text).string();
}

/// With 544 hidden units a step of 97 examples takes 17 million operations, and an update has 40 810 parameters: enough to be
/// divided among threads. Small nets are for methods whose cost is cubic, or that do not use threads. `more`: further keys of
/// [model] and [regularizer].
inline std::string mlp_config(const std::string& method, const std::string& batch, int steps, int hidden = 24,
                              const std::string& more_model = "", const std::string& more_omega = "") {
  return "[data]\ntrain = {path = \"" + digits() + "\", label_column = \"last\"}\nholdout = 0.2\ntransform = \"divide:16\"\n" +
         "[model]\nkind = \"mlp\"\nhidden = [" + std::to_string(hidden) +
         "]\nactivation = \"tanh\"\nloss = \"cross_entropy\"\n" + more_model + "[regularizer]\nl2 = 1e-4\n" + more_omega +
         "[method]\n" + method + "[run]\nsteps = " + std::to_string(steps) + "\nbatch = " + batch + "\nseed = 3\n";
}

inline std::string sparse_config(const std::string& file, const std::string& method, const std::string& batch, int steps,
                                 const std::string& loss = "logistic") {
  return "[data]\ntrain = {path = \"" + file + "\", format = \"libsvm\"}\n[model]\nkind = \"linear\"\nloss = \"" + loss +
         "\"\n[regularizer]\nl2 = 1e-4\n[method]\n" + method + "[run]\nsteps = " + std::to_string(steps) +
         "\nbatch = " + batch + "\nseed = 3\n";
}

}  // namespace talweg::test
