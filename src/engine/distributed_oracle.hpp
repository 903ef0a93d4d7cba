// SPDX-License-Identifier: Apache-2.0
// The Oracle over all ranks: each verb is called by every rank, and read here from top to bottom.
#pragma once

#include <optional>
#include <vector>

#include "engine/machinery.hpp"
#include "math/exact_sum.hpp"
#include "talweg/oracle.hpp"

namespace talweg::engine {

template <class Real>
class DistributedOracle final : public optim::Oracle {
 public:
  DistributedOracle(Machinery<Real>& machinery, Asker asker) : m_(machinery), asker_(asker) {}

  [[nodiscard]] optim::VectorSpace& space() override { return m_.space; }
  [[nodiscard]] optim::Batch draw(std::uint64_t ticket) const override {
    if (m_.session.options().batch == 0) return all();
    return {.all = false, .ticket = ticket, .size = m_.session.order().batch_size(ticket)};
  }
  [[nodiscard]] optim::Batch all() const override { return {.all = true, .ticket = 0, .size = m_.sum.train.plan().count()}; }
  [[nodiscard]] std::uint64_t batches_per_epoch() const override { return m_.session.order().steps_per_epoch(); }

  optim::GradientAnswer gradient(const optim::GradientRequest& request, const optim::Sink& sink) override;
  std::vector<optim::LinePoint> along(optim::Vector x, optim::Vector direction, std::span<const double> lengths,
                                      const optim::Batch& batch) override;
  void hessian_vector(optim::Vector x, optim::Vector v, const optim::Batch& batch, optim::Vector out) override;
  /// Sums over a part at a point.
  PartEvaluation evaluate(optim::Vector at, Part part);
  double smooth_omega(optim::Vector x) override;
  double nonsmooth_omega(optim::Vector x) override;
  [[nodiscard]] const math::Proximal* proximal() const override {
    return m_.sum.regularizer.smooth() ? nullptr : &m_.sum.regularizer;
  }
  [[nodiscard]] std::optional<optim::CurvatureBounds> curvature_bounds() const override { return m_.sum.curvature; }
  [[nodiscard]] double omega_curvature() const override { return m_.sum.regularizer.config().l2; }

 private:
  class Finished;
  class RequestScope;
  static constexpr std::size_t kMostLengths = 16;

  struct Reduced {
    double value = 0;         // mean f_i
    std::uint64_t count = 0;  // examples
    bool finite = true;       // false: nothing was summed
  };
  [[nodiscard]] Query query(Query::What what, const optim::Batch& batch, std::span<const optim::Vector> points) const;
  void complete_points(const Query& query);
  /// Leaves, verdict and sum of a gradient or a Hessian-vector product: afterwards the node's sums can be read.
  Reduced reduce(const Query& query);
  /// The same of values: the sums of each field, and the examples.
  std::pair<std::vector<double>, std::uint64_t> reduce_scalars(const Query& query);
  [[nodiscard]] Kind kind_of(const Query& query) const;
  Costs& costs() { return m_.session.meter().of(asker_); }
  /// Where a test asks for a failure in this request: damages what this rank has to give, or does worse.
  void inject_fault(math::ExactSum& value);

  Machinery<Real>& m_;
  Asker asker_;
};

}  // namespace talweg::engine
