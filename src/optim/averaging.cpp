// SPDX-License-Identifier: Apache-2.0
#include "optim/averaging.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {

Averaging::Averaging(const base::Section& s, bool outputs) {
  const auto kind = s.choice("average", "none", {"none", "polyak", "stochastic_weight", "exponential", "random"},
                             "of the iterates, and the parameters to use then; random: one of them, x_R");
  if (kind != "none") {
    kind_ = kind == "polyak"        ? Kind::polyak
            : kind == "exponential" ? Kind::exponential
            : kind == "random"      ? Kind::random
                                    : Kind::stochastic_weight;
    from_ = s.integer("average_from", 1, base::Range::at_least(1), "the first step that is averaged; before, the average is x");
    if (kind_ == Kind::stochastic_weight)
      every_ = s.integer("average_every", 100, base::Range::at_least(1), "steps from one point that is averaged to the next");
    if (kind_ == Kind::exponential)
      decay_ = s.number("average_decay", 0.999, base::Range::decay(),
                        "of the average; at most (1 + k) / (10 + k), k steps after average_from");
  }
  if (outputs) return;
  lookahead_ =
      s.integer("lookahead", 0, base::Range::non_negative(), "steps after which x goes back towards the slow weights; 0: off");
  if (lookahead_ > 0) alpha_ = s.number("lookahead_alpha", 0.5, base::Range::unit(), "share of the way the slow weights go");
}

void Averaging::declare(math::StateLayout& layout) const {
  if (averages()) layout.vector(std::string(kSlot), math::Initial::x0());
  if (lookahead_ > 0) layout.vector("lookahead.slow", math::Initial::x0());
}

double Averaging::weight(std::uint64_t seed, std::int64_t t) const {
  const auto k = static_cast<double>(t - from_);
  if (t <= from_) return 1;
  if (kind_ == Kind::exponential) return 1 - std::min(decay_, (1 + k) / (10 + k));
  if (kind_ == Kind::random) {
    const base::Random random(seed, base::Purpose::output);
    return random.uniform(static_cast<std::uint64_t>(t)) * (1 + k) < 1 ? 1 : 0;
  }
  if ((t - from_) % every_ != 0) return 0;
  const std::int64_t before = (t - from_) / every_;  // in the average
  return 1 / (1 + static_cast<double>(before));
}

std::optional<double> Averaging::apply(StepContext& context, std::int64_t t, std::string_view source) const {
  VectorSpace& space = context.space();
  std::optional<double> norm;
  if (lookahead_ > 0 && t % lookahead_ == 0) {
    norm = space.for_each_block({{context.state.vector("lookahead.slow"), context.x()}}, {},
                                math::block_kernel([this]<class Real>(const math::Block&, math::Arrays<Real> v) {
                                  const Real alpha = static_cast<Real>(alpha_);
                                  for (std::size_t i = 0; i < v.count; ++i) {
                                    v[0][i] += alpha * (v[1][i] - v[0][i]);
                                    v[1][i] = v[0][i];
                                  }
                                  return math::Sums{math::squared_norm<Real>(v[1])};
                                }))[0];
  }
  if (!averages()) return norm;
  const double share = weight(context.progress.seed, t);
  if (share == 0) return norm;
  const Vector average = context.state.vector(kSlot);
  if (share == 1) {
    space.copy(context.state.vector(source), average);
  } else {
    space.for_each_block({{average}}, {{context.state.vector(source)}},
                         math::block_kernel([share]<class Real>(const math::Block&, math::Arrays<Real> v) {
                           const Real part = static_cast<Real>(share);
                           for (std::size_t i = 0; i < v.count; ++i) v[0][i] += part * (v[1][i] - v[0][i]);
                         }));
  }
  return norm;
}

}  // namespace talweg::optim
