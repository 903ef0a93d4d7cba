// SPDX-License-Identifier: Apache-2.0
// Shared by the files of src/model/problems.
#pragma once

#include <fmt/format.h>

#include <cmath>

#include "model/problem.hpp"

namespace talweg::model {

/// ProblemEntry::make of a class constructed from its section, and of one that also knows Omega.
template <class Made>
std::shared_ptr<Problem> make_problem(const base::Section& section, const Regularizer::Config& /*omega*/) {
  return std::make_shared<Made>(section);
}
template <class Made>
std::shared_ptr<Problem> make_composite(const base::Section& section, const Regularizer::Config& omega) {
  return std::make_shared<Made>(section, omega);
}

inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

inline std::size_t read_size(const base::Section& s, std::string_view key, std::int64_t usual, double least, double most,
                             std::string_view meaning) {
  return static_cast<std::size_t>(s.integer(key, usual, {.low = least, .high = most}, meaning));
}

/// Omega on all coordinates, and the least point of h (x - z)^2 / 2 + Omega for one of them.
inline double omega_value(const Regularizer::Config& omega, std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += omega.l1 * std::abs(v) + 0.5 * omega.l2 * v * v;
  return sum;
}
inline double least_point(const Regularizer::Config& omega, double h, double z) {
  const double shrunk = std::copysign(std::fmax(std::abs(h * z) - omega.l1, 0), z) / (h + omega.l2);
  return std::fmin(std::fmax(shrunk, omega.low), omega.high);
}

}  // namespace talweg::model
