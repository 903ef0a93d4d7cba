// SPDX-License-Identifier: Apache-2.0
#include "optim/coupled_prox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

using math::Coupling;

constexpr int kNewton = 60;         // steps at most; a handful are taken
constexpr double kEnough = 1e-13;   // relative, of a root
constexpr std::size_t kPanel = 16;  // groups in work at a time: columns are read by the cache line
constexpr double kRoundings = 64;   // of the radius, in units of the precision: a ball's inside

/// Element k of group g lies at g * between + k * within.
struct Groups {
  std::size_t count;
  std::size_t size;
  std::size_t between;
  std::size_t within;
};

Groups groups_of(const math::Tensor& tensor, Coupling::Of of) {
  const std::size_t rows = tensor.rows(), columns = tensor.row_size();
  if (of == Coupling::Of::inputs && tensor.shape.size() > 1) return {columns, rows, 1, columns};
  return {rows, columns, columns, 1};
}

template <class Real>
void gather(const Groups& groups, std::size_t first, std::size_t count, std::span<const Real> from, std::vector<double>& to) {
  to.resize(kPanel * groups.size);
  for (std::size_t k = 0; k < groups.size; ++k) {
    for (std::size_t j = 0; j < count; ++j)
      to[j * groups.size + k] = static_cast<double>(from[(first + j) * groups.between + k * groups.within]);
  }
}

template <class Real>
void scatter(const Groups& groups, std::size_t first, std::size_t count, const std::vector<double>& from, std::span<Real> to) {
  for (std::size_t k = 0; k < groups.size; ++k) {
    for (std::size_t j = 0; j < count; ++j)
      to[(first + j) * groups.between + k * groups.within] = static_cast<Real>(from[j * groups.size + k]);
  }
}

double norm_of(std::span<const double> v) { return std::sqrt(math::squared_norm(v)); }

/// One step for the whole group. NaN stays NaN.
void shrink(std::span<double> v, double threshold) {
  const double norm = norm_of(v);
  const double scale = norm <= threshold ? 0 : 1 - threshold / norm;
  for (double& value : v) value = scale == 0 ? 0 : scale * value;
}

/// A step for each element; `scaled` is scratch.
void shrink(std::span<double> v, std::span<const double> steps, double weight, std::vector<double>& scaled) {
  if (std::ranges::all_of(steps, [&](double s) { return s == steps[0]; })) return shrink(v, weight * steps[0]);
  scaled.resize(v.size());
  double still = 0;  // squares of coordinates that took no step
  double pull = 0;   // |v / (weight s)|^2 of the rest
  for (std::size_t i = 0; i < v.size(); ++i) {
    scaled[i] = weight * steps[i];
    (scaled[i] > 0 ? pull : still) += v[i] * v[i] / (scaled[i] > 0 ? scaled[i] * scaled[i] : 1);
  }
  if (still == 0 && pull <= 1) {
    std::ranges::fill(v, 0.0);
    return;
  }
  double r = std::sqrt(still);
  for (int k = 0; k < kNewton; ++k) {
    double sum = 0, slope = 0;  // of 1 / (r + scaled)^2, and minus half its derivative
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (v[i] == 0) continue;  // r and its step may be 0, too
      const double p = v[i] / (r + scaled[i]);
      sum += p * p;
      slope += p * p / (r + scaled[i]);
    }
    const double step = (std::sqrt(sum) - 1) * sum / slope;
    if (!(step > kEnough * r)) break;
    r += step;
  }
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (v[i] != 0) v[i] *= r / (r + scaled[i]);
  }
}

/// `steps`: none, all took `step`.
void shrink_groups(VectorSpace& space, const Coupling& c, Vector x, std::span<const Vector> steps, double step) {
  const auto kernel = math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> arrays) {
    if (!c.acts_on[block.tensor]) return;
    const Groups groups = groups_of(space.layout().tensors()[block.tensor], c.of);
    const double weight = c.size * std::sqrt(static_cast<double>(groups.size));
    std::vector<double> v, s, scaled;
    for (std::size_t first = 0; first < groups.count; first += kPanel) {
      const std::size_t count = std::min(kPanel, groups.count - first);
      gather<Real>(groups, first, count, arrays[0], v);
      if (!steps.empty()) gather<Real>(groups, first, count, arrays[1], s);
      for (std::size_t j = 0; j < count; ++j) {
        const std::span<double> group = std::span(v).subspan(j * groups.size, groups.size);
        steps.empty() ? shrink(group, weight * step)
                      : shrink(group, std::span<const double>(s).subspan(j * groups.size, groups.size), weight, scaled);
      }
      scatter<Real>(groups, first, count, v, arrays[0]);
    }
  });
  space.for_each_tensor({{x}}, steps, kernel);
}

/// |x|_2 of what the ball holds.
double length(VectorSpace& space, const Coupling& c, Vector x) {
  const auto kernel = math::block_kernel([&c]<class Real>(const math::Block& block, math::Arrays<Real> v) {
    return math::Sums{c.acts_on[block.tensor] ? math::squared_norm<Real>(v[0]) : 0.0};
  });
  return std::sqrt(space.for_each_block({}, {{x}}, kernel)[0]);
}

void project(VectorSpace& space, const Coupling& c, Vector x) {
  const double norm = length(space, c, x);
  if (norm <= c.size) return;
  space.for_each_block({{x}}, {}, math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                         if (!c.acts_on[block.tensor]) return;
                         for (Real& value : v[0]) value = static_cast<Real>(static_cast<double>(value) * (c.size / norm));
                       }));
}

void project(VectorSpace& space, const Coupling& c, Vector x, Vector steps) {
  double mu = 0, norm = 0;
  for (int k = 0; k < kNewton; ++k) {
    const auto kernel = math::block_kernel([&c, mu]<class Real>(const math::Block& block, math::Arrays<Real> v) {
      if (!c.acts_on[block.tensor]) return math::Sums{};
      const auto over = [&](std::size_t i) { return 1 + mu * static_cast<double>(v[1][i]); };
      const auto square = [&](std::size_t i) {
        const double p = static_cast<double>(v[0][i]) / over(i);
        return p * p;
      };
      return math::Sums{math::lane_sum(v.count, square), math::lane_sum(v.count, [&](std::size_t i) {
                          return square(i) * static_cast<double>(v[1][i]) / over(i);
                        })};
    });
    const math::Sums sums = space.for_each_block({}, {{x, steps}}, kernel);
    norm = std::sqrt(sums[0]);
    if (k == 0 && norm <= c.size) return;
    const double step = (norm / c.size - 1) * sums[0] / sums[1];
    if (!(norm > c.size * (1 + kEnough)) || !std::isfinite(step)) break;
    mu += step;
  }
  const double rest = norm <= c.size ? 1 : c.size / norm;  // what rounding left, and coordinates that took no step
  space.for_each_block({{x}}, {{steps}}, math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
                         if (!c.acts_on[block.tensor]) return;
                         for (std::size_t i = 0; i < v.count; ++i)
                           v[0][i] =
                               static_cast<Real>(static_cast<double>(v[0][i]) / (1 + mu * static_cast<double>(v[1][i])) * rest);
                       }));
}

}  // namespace

void prox_coupled(VectorSpace& space, const Coupling& c, Vector x, double step) {
  c.of == Coupling::Of::all ? project(space, c, x) : shrink_groups(space, c, x, {}, step);
}

void prox_coupled(VectorSpace& space, const Coupling& c, Vector x, Vector steps) {
  c.of == Coupling::Of::all ? project(space, c, x, steps) : shrink_groups(space, c, x, {{steps}}, 0);
}

double coupled_value(VectorSpace& space, const Coupling& c, Vector x) {
  if (c.of == Coupling::Of::all) {
    const auto kernel = math::block_kernel([&c]<class Real>(const math::Block& block, math::Arrays<Real> v) {
      return math::Sums{c.acts_on[block.tensor] ? math::squared_norm<Real>(v[0]) : 0.0,
                        block.index == 0 ? static_cast<double>(std::numeric_limits<Real>::epsilon()) : 0.0};
    });
    const math::Sums sums = space.for_each_block({}, {{x}}, kernel);
    return std::sqrt(sums[0]) > c.size * (1 + kRoundings * sums[1]) ? std::numeric_limits<double>::infinity() : 0;
  }
  std::vector<double> values(space.layout().tensors().size());
  std::vector<std::span<double>> tables;
  for (double& value : values) tables.emplace_back(&value, 1);
  const auto kernel = math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> arrays) {
    if (!c.acts_on[block.tensor]) return;
    const Groups groups = groups_of(space.layout().tensors()[block.tensor], c.of);
    std::vector<double> v;
    double sum = 0;
    for (std::size_t first = 0; first < groups.count; first += kPanel) {
      const std::size_t count = std::min(kPanel, groups.count - first);
      gather<Real>(groups, first, count, arrays[0], v);
      for (std::size_t j = 0; j < count; ++j) sum += norm_of(std::span<const double>(v).subspan(j * groups.size, groups.size));
    }
    tables[block.tensor][0] = sum * c.size * std::sqrt(static_cast<double>(groups.size));
  });
  space.for_each_tensor({}, {{x}}, kernel, tables);
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace talweg::optim
