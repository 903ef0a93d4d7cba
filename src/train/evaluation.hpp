// SPDX-License-Identifier: Apache-2.0
// Figures of a point on the training, validation and test parts. An observer: it asks the oracle under its own name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/problem.hpp"
#include "engine/session.hpp"
#include "talweg/summary.hpp"

namespace talweg::train {

/// Which figures a run has: train_objective, train_loss, train_accuracy (or train_rmse, train_r2), that of the gradient,
/// valid_*, test_*.
std::vector<std::string> figure_names(const engine::Problem& problem);

/// Loss, accuracy or rmse and r2 of one part, under "<part>_".
void add_part(Figures& figures, std::string_view part, const engine::PartEvaluation& evaluation, bool classification);

/// Collective: the figures of the parts at point x, of the training part where `train` is set.
Figures evaluate(engine::Session& session, const engine::Problem& problem, optim::Vector x, bool train);

/// Collective: |grad F| over all training examples; with a non-smooth Omega |x - prox(x - grad)|, grad that of the smooth part.
double full_gradient_norm(engine::Session& session, optim::Vector x);

}  // namespace talweg::train
