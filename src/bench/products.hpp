// SPDX-License-Identifier: Apache-2.0
// What a Hessian-vector product costs beside a gradient, at the same point on the same batch.
#pragma once

#include <cstdint>
#include <string>

#include "talweg/communicator.hpp"
#include "talweg/config.hpp"
#include "talweg/log.hpp"

namespace talweg::bench {

/// Seconds are medians over rounds in which each kind has its block in turn; ratios are medians of a round's ratios.
struct ProductTimes {
  std::string model;
  int ranks = 1;
  int threads = 1;
  std::uint64_t batch = 0;
  int rounds = 0;
  double gradient = 0;     // s; the point has just moved, as in a step
  double moved = 0;        // s; a product at a point that has just moved
  double kept = 0;         // s; a product with another direction at the point of the last one: what CG and Lanczos ask for
  double moved_ratio = 0;  // to the gradient
  double kept_ratio = 0;
  // The same ratios in flop, dense features: (3 + 5s) / (2 + s) and (2 + 4s) / (2 + s), s the share of the weights beyond the
  // first layer. 0: not known.
  double moved_flop_ratio = 0;
  double kept_flop_ratio = 0;
};

/// Collective; the figures are the coordinator's. Asks for `seconds` at the config's initial point; trains nothing.
/// Error(bad_config) when the model gives no products.
ProductTimes time_products(const base::Config& config, double seconds, int threads, comm::Communicator& comm,
                           const base::Log& log);

}  // namespace talweg::bench
