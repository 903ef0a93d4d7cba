// SPDX-License-Identifier: Apache-2.0
#include "optim/step_size.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "optim/lanczos.hpp"

namespace talweg::optim {
namespace {

constexpr const char* kAll = "smoothness.all";    // L; 0: not found yet
constexpr const char* kTerm = "smoothness.term";  // L_max
constexpr const char* kExpected = "a number in (0, inf), \"c/L\" or \"c/L_max\" with a number c in (0, inf)";
// The products are few compared with a run's gradients, and the residual is added: a hundredth of a percent is enough.
constexpr LanczosOptions kLanczos{.iterations = 100, .tolerance = 1e-4, .seed = 1};

/// The c of "c/unit".
std::optional<double> numerator(std::string_view text, std::string_view unit) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.substr(slash + 1) != unit) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, value);
  const bool whole = error == std::errc() && end == text.data() + slash;
  return whole && value > 0 && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

double find_smoothness(StepContext& context) {
  Oracle& oracle = context.oracle;
  const auto bounds = oracle.curvature_bounds();
  const double omega = oracle.omega_curvature();
  if (bounds && bounds->over_zero == 0) {
    context.note(fmt::format("L = {:.6g} from the data: the mean of the terms' curvature", bounds->mean + omega));
    return bounds->mean + omega;
  }
  if (!bounds) {
    const SpectralNorm at = spectral_norm(oracle, context.x(), oracle.all(), kLanczos);
    const double value = at.value + at.residual;
    context.note(fmt::format(
        "L = {:.6g}, an estimate: the Hessian's largest |eigenvalue| at step {}'s point, by {} products (residual {:.1e}); "
        "curvature elsewhere may be larger",
        value, context.progress.step, at.iterations, at.residual));
    return value;
  }
  const Temporary zero(context.space());
  context.space().zero(zero);
  const SpectralNorm at = spectral_norm(oracle, zero, oracle.all(), kLanczos);
  const double value = std::min(bounds->over_zero * (at.value + at.residual), bounds->mean + omega);
  context.note(fmt::format("L = {:.6g} from the data: no Hessian exceeds {:g} times that at x = 0, whose norm took {} products",
                           value, bounds->over_zero, at.iterations));
  return value;
}

}  // namespace

double smoothness(StepContext& context) {
  double& value = context.state.scalar(kAll);
  if (value == 0) value = std::max(find_smoothness(context), std::numeric_limits<double>::min());
  return value;
}

std::optional<StepSize> StepSize::parse(std::string_view text) {
  StepSize step;
  auto c = numerator(text, "L");
  step.unit_ = c ? Unit::per_smoothness : Unit::per_term_smoothness;
  if (!c) c = numerator(text, "L_max");
  if (!c) return std::nullopt;
  step.value_ = *c;
  return step;
}

StepSize StepSize::beside(const base::Section& s, std::string_view key) {
  StepSize step;
  s.stand_in(
      key,
      [&step](std::string_view text) {
        const auto read = parse(text);
        if (read) step = *read;
        return read ? std::optional(read->value_) : std::nullopt;
      },
      kExpected);
  return step;
}

StepSize StepSize::read(const base::Section& s, std::string_view key, std::string_view fallback, std::string_view meaning) {
  StepSize step = beside(s, key);
  const auto usual = parse(fallback);
  if (s.kind(key) == 0 && usual) {  // the default is text
    s.text(key, std::string(fallback), meaning);
    return *usual;
  }
  const auto number = usual ? std::nullopt : std::optional(std::stod(std::string(fallback)));
  step.value_ = s.number(key, number, base::Range::positive(), meaning);
  return step;
}

Needs StepSize::needs() const {
  switch (unit_) {
    case Unit::per_smoothness:
      return Needs{Need::smoothness} | Needs{Need::hvp, "the L of method.lr is found by them; lr may be a number"} |
             Needs{Need::deterministic, "the L of method.lr is that of one F; lr may be a number"};
    case Unit::per_term_smoothness:
      return Needs{Need::smoothness} | Needs{Need::linear, "the L_max of method.lr is known of no other; lr may be a number"};
    case Unit::one:
      break;
  }
  return {};
}

void StepSize::declare(math::StateLayout& layout) {
  layout.scalar(kAll);
  layout.scalar(kTerm);
}

Cost StepSize::cost(const CostPoint& p) const {
  if (unit_ != Unit::per_smoothness || p.step > 0) return {};
  return {.hvps = p.n * kLanczos.iterations, .bound = true};
}

double StepSize::per_unit(StepContext& context) const {
  if (unit_ == Unit::one) return 1;
  if (unit_ == Unit::per_smoothness) return 1 / smoothness(context);
  double& value = context.state.scalar(kTerm);
  if (value == 0) {
    const auto bounds = context.oracle.curvature_bounds();
    if (!bounds) throw std::logic_error("L_max of terms whose curvature is not known");
    value = std::max(bounds->largest + context.oracle.omega_curvature(), std::numeric_limits<double>::min());
    context.note(fmt::format("L_max = {:.6g} from the data: the largest curvature of a term", value));
  }
  return 1 / value;
}

}  // namespace talweg::optim
