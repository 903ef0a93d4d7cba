// SPDX-License-Identifier: Apache-2.0
// The Oracle that a method (or an observer) holds on the coordinator: each verb announces, answers, and finishes on rank 0.
#pragma once

#include "engine/engine.hpp"

namespace talweg::engine {

template <class Real>
class Engine<Real>::AskerOracle final : public optim::Oracle {
 public:
  AskerOracle(Engine& engine, Asker asker) : engine_(engine), asker_(asker) {}

  [[nodiscard]] optim::VectorSpace& space() override { return engine_.space(asker_); }
  [[nodiscard]] optim::Batch draw(std::uint64_t ticket) const override {
    if (engine_.options_.batch == 0) return all();
    return {.all = false, .ticket = ticket, .size = engine_.order_.batch_size(ticket)};
  }
  [[nodiscard]] optim::Batch all() const override {
    return {.all = true, .ticket = 0, .size = engine_.problem_.train.plan().count()};
  }
  [[nodiscard]] std::uint64_t batches_per_epoch() const override { return engine_.order_.steps_per_epoch(); }

  optim::GradientAnswer gradient(const optim::GradientRequest& request, const optim::Sink& sink) override;
  std::vector<optim::LinePoint> along(optim::Vector x, optim::Vector direction, std::span<const double> lengths,
                                      const optim::Batch& batch) override;
  void hessian_vector(optim::Vector x, optim::Vector v, const optim::Batch& batch, optim::Vector out) override;
  double smooth_omega(optim::Vector x) override;
  double nonsmooth_omega(optim::Vector x) override;
  [[nodiscard]] const math::Proximal* proximal() const override {
    return engine_.problem_.regularizer.smooth() ? nullptr : &engine_.problem_.regularizer;
  }
  [[nodiscard]] std::optional<optim::CurvatureBounds> curvature_bounds() const override { return engine_.problem_.curvature; }
  [[nodiscard]] double omega_curvature() const override { return engine_.problem_.regularizer.config().l2; }

 private:
  class Finished;
  Request header(Verb verb, const optim::Batch& batch) const {
    return {.verb = verb, .asker = asker_, .all = batch.all, .ticket = batch.ticket, .step = engine_.step_};
  }
  Engine& engine_;
  Asker asker_;
};

}  // namespace talweg::engine
