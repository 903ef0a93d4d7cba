// SPDX-License-Identifier: Apache-2.0
// Figures of a point on the training, validation and test parts. An observer: it asks the oracle under its own name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "talweg/summary.hpp"

namespace talweg::train {

/// Which figures a run has: train_objective, train_loss, train_accuracy (or train_rmse, train_r2), that of the gradient,
/// valid_*, test_*.
template <class Real>
std::vector<std::string> figure_names(const engine::Problem<Real>& problem);

/// Loss, accuracy or rmse and r2 of one part, under "<part>_".
void add_part(Figures& figures, std::string_view part, const engine::PartEvaluation& evaluation, bool classification);

/// The figures of the parts at point x, of the training part where `train` is set. Collective through the engine; coordinator
/// only.
template <class Real>
Figures evaluate(engine::Engine<Real>& engine, const engine::Problem<Real>& problem, optim::Vector x, bool train);

/// |grad F| over all training examples; with a non-smooth Omega |x - prox(x - grad)|, grad that of the smooth part.
template <class Real>
double full_gradient_norm(engine::Engine<Real>& engine, optim::Vector x);

}  // namespace talweg::train
