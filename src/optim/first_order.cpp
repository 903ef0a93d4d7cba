// SPDX-License-Identifier: Apache-2.0
#include "optim/first_order.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "math/prefetch.hpp"
#include "optim/coupled_prox.hpp"
#include "optim/leave_out.hpp"
#include "talweg/sums.hpp"

namespace talweg::optim {
namespace {

/// Sums of the last sweep.
enum : std::size_t { kGradient = 0, kUpdate = 1, kPoint = 2 };

/// The last sweep on one block: arrays are g, x, the rule's slots, the estimator's keeps, the steps for a prox that couples
/// coordinates, the rule's reads. Returns |g|^2, |x_t - x_{t-1}|^2, |x_t|^2.
class LastSweep final : public math::BlockKernel {
 public:
  const Update& update;
  const math::Proximal* proximal;
  const Clipped& clipped;
  const StepNoise& noise;
  double shrink;  // x_{t-1} becomes shrink x_{t-1} first
  std::size_t slots;
  bool keep_gradient;
  bool keep_point;
  bool keep_steps = false;

  LastSweep(const Update& u, const math::Proximal* p, const Clipped& c, const StepNoise& w, double s, std::size_t n,
            bool gradient, bool point)
      : update(u),
        proximal(p),
        clipped(c),
        noise(w),
        shrink(s),
        slots(n),
        keep_gradient(gradient),
        keep_point(point),
        keep_steps(p != nullptr && p->coupling() != nullptr) {}
  math::Sums run(const math::Block& block, math::Arrays<float> arrays) const override { return apply(block, arrays); }
  math::Sums run(const math::Block& block, math::Arrays<double> arrays) const override { return apply(block, arrays); }

 private:
  static constexpr std::size_t kPiece = 256;  // of all arrays stays in the nearest cache through the passes below

  template <class Real>
  math::Sums apply(const math::Block& block, math::Arrays<Real> arrays) const {
    math::LaneSum gradient, change, point;
    std::array<Real*, math::kMostArrays> at{};
    for (std::size_t from = 0; from < block.count; from += kPiece) {
      const math::Block piece{block.index, block.tensor, block.offset + from, std::min(kPiece, block.count - from)};
      for (std::size_t k = 0; k < arrays.data.size(); ++k) {
        at[k] = arrays.data[k] + from;
        if (k > 0) math::prefetch_ahead(at[k], kPiece);  // not g: it was made just now
      }
      apply(piece, math::Arrays<Real>{std::span(at).first(arrays.data.size()), piece.count}, gradient, change, point);
    }
    return {gradient.total(), change.total(), point.total()};
  }

  template <class Real>
  void apply(const math::Block& piece, math::Arrays<Real> arrays, math::LaneSum& gradient, math::LaneSum& change,
             math::LaneSum& point) const {
    alignas(64) std::array<Real, kPiece> before;
    const auto square = [](Real v) { return static_cast<double>(v) * static_cast<double>(v); };
    const std::span<Real> g = arrays[0];
    const std::span<Real> x = arrays[1];
    gradient.add(piece.count, [&](std::size_t i) { return square(g[i]); });
    std::size_t next = 2 + slots;
    if (keep_gradient) std::ranges::copy(g, arrays[next++].begin());
    clipped.apply(piece, g);
    noise.apply(piece, g);
    std::ranges::copy(x, before.begin());
    if (shrink != 1) {
      for (Real& v : x) v *= static_cast<Real>(shrink);
    }
    const std::size_t steps = next + (keep_point ? 1 : 0);
    const std::size_t reads = steps + (keep_steps ? 1 : 0);
    update.loop->run(RuleBlock<Real>{.block = piece,
                                     .count = piece.count,
                                     .x = x.data(),
                                     .before = before.data(),
                                     .g = g.data(),
                                     .slots = arrays.data.subspan(2, slots),
                                     .reads = arrays.data.subspan(reads),
                                     .proximal = proximal,
                                     .steps = keep_steps ? arrays.data[steps] : nullptr});
    if (keep_point) std::ranges::copy(std::span(before).first(x.size()), arrays[next].begin());
    change.add(piece.count, [&](std::size_t i) { return square(x[i] - before[i]); });
    point.add(piece.count, [&](std::size_t i) { return square(x[i]); });
  }
};

/// What a prox that couples coordinates needs beside the last sweep, and what follows it.
class Coupled {
 public:
  /// `written`: x and the rule's slots.
  Coupled(VectorSpace& space, const math::Coupling& coupling, std::vector<Vector> written)
      : space_(space), coupling_(coupling), written_(std::move(written)), before_(space), left_(space), steps_(space) {
    space.copy(written_.front(), before_);
  }
  [[nodiscard]] Vector steps() const { return steps_; }
  /// |x_t - x_{t-1}|^2, |x_t|^2 into `sums`.
  void finish(const Update& update, math::Sums& sums) {
    const Vector x = written_.front();
    if (update.after) space_.copy(x, left_);
    prox_coupled(space_, coupling_, x, steps_);
    const auto kernel = math::block_kernel([&]<class Real>(const math::Block& block, math::Arrays<Real> v) {
      const std::span<Real> before = v[v.data.size() - 2];
      if (update.after) {
        update.after->run(RuleBlock<Real>{.block = block,
                                          .count = v.count,
                                          .x = v.data[0],
                                          .before = v.data.back(),
                                          .slots = v.data.subspan(1, v.data.size() - 3),
                                          .reads = {}});
      }
      const double change = math::lane_sum(v.count, [&](std::size_t i) {
        const double d = static_cast<double>(v[0][i]) - static_cast<double>(before[i]);
        return d * d;
      });
      return math::Sums{change, math::squared_norm<Real>(v[0])};
    });
    const Vector left = update.after ? Vector(left_) : Vector(before_);
    const math::Sums moved = space_.for_each_block(written_, {{before_, left}}, kernel);
    sums[kUpdate] = moved[0];
    sums[kPoint] = moved[1];
  }

 private:
  VectorSpace& space_;
  const math::Coupling& coupling_;
  std::vector<Vector> written_;
  Temporary before_;  // x_{t-1}
  Temporary left_;    // x as the loop left it
  Temporary steps_;
};

class Minibatch final : public Estimator {
 public:
  [[nodiscard]] Needs needs() const override { return {}; }
  Estimate estimate(StepContext& context) const override {
    return {.request = {.terms = {{1.0, context.x()}},
                        .shifts = {},
                        .batch = context.oracle.draw(static_cast<std::uint64_t>(context.progress.step))}};
  }
};

}  // namespace

std::unique_ptr<Estimator> minibatch() { return std::make_unique<Minibatch>(); }

FirstOrder::FirstOrder(std::unique_ptr<Estimator> estimator, std::unique_ptr<UpdateRule> rule, const Surroundings& around)
    : estimator_(std::move(estimator)), rule_(std::move(rule)), around_(around) {
  math::StateLayout own;  // vectors do not depend on the parameters' layout, tables may
  rule_->declare(own, {});
  slots_.assign(own.vectors().begin(), own.vectors().end());
}

bool FirstOrder::is_stateless() const {
  return dynamic_cast<const Minibatch*>(estimator_.get()) != nullptr && around_.accumulate == 1;
}

bool may_leave_out_steps(const Method& method) {
  const auto* first_order = dynamic_cast<const FirstOrder*>(&method);
  return first_order != nullptr && first_order->is_stateless();
}

void FirstOrder::declare(math::StateLayout& layout, const math::ParameterLayout& parameters) const {
  rule_->declare(layout, parameters);
  estimator_->declare(layout, parameters);
  if (around_.accumulate > 1) layout.vector("accumulated");
  around_.averaging.declare(layout);
  StepSize::declare(layout);
}

Cost FirstOrder::cost(const CostPoint& point) const {
  const Cost gradients = estimator_->cost(point) + around_.lr.cost(point);
  if ((point.step + 1) % around_.accumulate != 0) return gradients;  // the rule does not step
  CostPoint of_rule = point;
  of_rule.step /= around_.accumulate;
  return gradients + rule_->cost(of_rule);
}

StepReport FirstOrder::advance(StepContext& context) const {
  Oracle& oracle = context.oracle;
  VectorSpace& space = context.space();
  const math::Proximal* proximal = oracle.proximal();
  if (proximal != nullptr && rule_->needs().has(Need::smooth_omega))
    throw std::logic_error("a rule without prox met a non-smooth Omega");

  const double unit = around_.lr.per_unit(context);
  Estimate estimate = estimator_->estimate(context);
  const std::int64_t together = around_.accumulate;
  const std::int64_t place = context.progress.step % together;  // among the estimates that make a step
  if (together > 1) {
    for (auto* parts : {&estimate.request.terms, &estimate.request.shifts}) {
      for (Term& part : *parts) part.weight /= static_cast<double>(together);
    }
    const Vector accumulated = context.state.vector("accumulated");
    if (place > 0) estimate.request.shifts.push_back({1, accumulated});
    if (place + 1 < together) {
      const GradientAnswer answer = oracle.gradient_into(estimate.request, accumulated);
      estimator_->finish(context);
      return {.loss = answer.value, .gradient_norm = std::sqrt(answer.sums[0])};
    }
  }
  RuleStep rule_step{.context = context,
                     .t = (context.progress.step - context.progress.left_out) / together + 1,
                     .lr = unit * rule_->lr() * context.progress.factor,
                     .factor = context.progress.factor,
                     .g = {}};
  std::vector<Vector> writes = {context.x()};
  for (const std::string& slot : slots_) writes.push_back(context.state.vector(slot));
  const double shrink = 1 - rule_step.lr * around_.weight_decay;
  const auto reads_of = [](const Update& update) { return std::vector<Vector>(update.reads.begin(), update.reads.end()); };

  std::optional<Coupled> coupled;
  if (proximal != nullptr && proximal->coupling() != nullptr)
    coupled.emplace(space, *proximal->coupling(), std::vector(writes.begin(), writes.end()));

  StepNoise noise = around_.noise.draw(context, rule_step.lr);
  GradientAnswer answer;
  double gradient = 0;
  if (rule_->grain() == Grain::element && !around_.clipping.wants_norms()) {
    const Update update = rule_->begin(rule_step);
    const Clipped clipped(around_.clipping, space, 0);
    if (estimate.keep_gradient) writes.push_back(*estimate.keep_gradient);
    if (estimate.keep_point) writes.push_back(*estimate.keep_point);
    if (coupled) writes.push_back(coupled->steps());
    const LastSweep sweep(update, proximal, clipped, noise, shrink, slots_.size(), estimate.keep_gradient.has_value(),
                          estimate.keep_point.has_value());
    answer = oracle.gradient(estimate.request, {.kernel = sweep, .writes = writes, .reads = reads_of(update)});
    gradient = answer.sums[kGradient];
    if (coupled) coupled->finish(update, answer.sums);
  } else {
    const Temporary g(space);
    Update update;
    if (rule_->grain() == Grain::element) update = rule_->begin(rule_step);
    answer = oracle.gradient_into(estimate.request, g);
    gradient = answer.sums[0];
    Clipped clipped(around_.clipping, space, gradient);
    if (estimate.keep_gradient) space.copy(g, *estimate.keep_gradient);
    if (rule_->grain() != Grain::element) {
      if (clipped.binds() || noise.adds()) {
        space.for_each_block({{g}}, {}, math::block_kernel([&]<class Real>(const math::Block& b, math::Arrays<Real> v) {
                               clipped.apply<Real>(b, v[0]);
                               noise.apply<Real>(b, v[0]);
                             }));
        clipped = {};
        noise = {};
      }
      rule_step.g = g;
      update = rule_->begin(rule_step);
    }
    writes.insert(writes.begin(), g);
    if (estimate.keep_point) writes.push_back(*estimate.keep_point);
    if (coupled) writes.push_back(coupled->steps());
    const LastSweep sweep(update, proximal, clipped, noise, shrink, slots_.size(), false, estimate.keep_point.has_value());
    answer.sums = space.for_each_block(writes, reads_of(update), sweep);
    if (coupled) coupled->finish(update, answer.sums);
  }
  if (const auto moved = around_.averaging.apply(context, rule_step.t, rule_->output())) answer.sums[kPoint] = *moved;
  estimator_->finish(context);
  return {.loss = answer.value,
          .gradient_norm = std::sqrt(gradient),
          .update_norm = std::sqrt(answer.sums[kUpdate]),
          .parameter_norm = std::sqrt(answer.sums[kPoint]),
          .learning_rate = rule_step.lr};
}

}  // namespace talweg::optim
