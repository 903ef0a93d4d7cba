// SPDX-License-Identifier: Apache-2.0
#include "optim/noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

constexpr std::uint64_t kLength = ~0ULL - 2;  // counter of the draw of the length; no element has this index
constexpr std::array<std::string_view, 5> kNames = {"none", "sphere", "ball", "gaussian", "langevin"};

}  // namespace

Noise::Noise(const base::Section& s) {
  const std::string name = s.choice("noise", "none", kNames, "added to every gradient estimate after clipping");
  kind_ = static_cast<Kind>(std::ranges::find(kNames, name) - kNames.begin());
  switch (kind_) {
    case Kind::none:
      break;
    case Kind::sphere:
    case Kind::ball:
      scale_ = s.number("noise_scale", 1.0, base::Range::positive(), "radius of the sphere or ball");
      break;
    case Kind::gaussian:
      scale_ = s.number("noise_variance", 0.01, base::Range::positive(), "of each element at the first step");
      power_ = s.number("noise_power", 0.55, base::Range::non_negative(), "the variance falls as (1 + t)^-noise_power");
      break;
    case Kind::langevin:
      scale_ = s.number("temperature", 1e-4, base::Range::positive(),
                        "T: exp(-F / T) is sampled; the mean of n terms, so 1 / n is a posterior's");
      break;
  }
}

StepNoise Noise::draw(StepContext& context, double lr) const {
  const std::uint64_t seed = context.progress.seed;
  const std::int64_t step = context.progress.step;
  switch (kind_) {
    case Kind::none:
      break;
    case Kind::gaussian:
      return {seed, step, std::sqrt(scale_ * std::pow(1 + static_cast<double>(step), -power_))};
    case Kind::langevin:
      return {seed, step, lr > 0 ? std::sqrt(2 * scale_ / lr) : 0};  // lr 0 moves nothing
    case Kind::sphere:
    case Kind::ball: {
      const StepNoise normals(seed, step, 1);
      const auto kernel = math::block_kernel([&normals]<class Real>(const math::Block& block, math::Arrays<Real> v) {
        return math::Sums{math::lane_sum(v.count, [&](std::size_t i) {
          const double xi = normals.normal(block, i);
          return xi * xi;
        })};
      });
      VectorSpace& space = context.space();
      double length = scale_ / std::sqrt(space.for_each_block({}, {}, kernel)[0]);
      if (kind_ == Kind::ball) {
        const double u = base::Random(seed, base::Purpose::noise).uniform(static_cast<std::uint64_t>(step), kLength);
        length *= std::pow(u, 1 / static_cast<double>(space.layout().parameters()));
      }
      return {seed, step, length};
    }
  }
  return {};
}

}  // namespace talweg::optim
