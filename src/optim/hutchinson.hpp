// SPDX-License-Identifier: Apache-2.0
// The diagonal of a Hessian from products with random vectors (Hutchinson 1990; Bekas, Kokiopoulou & Saad 2007): the mean over
// probes of z * (H z), element by element. Its expectation is the diagonal when the elements of z are independent, of mean 0
// and variance 1; signs have the least variance, and are exact where H is diagonal.
#pragma once

#include <cstdint>

#include "talweg/method.hpp"

namespace talweg::optim {

enum class Probe : std::uint8_t { sign, normal };

/// At the current x, by `probes` Hessian-vector products on the minibatch of the step's number, whichever examples the
/// estimator uses. Draws depend on the seed, the step and the probe's number alone.
Temporary hessian_diagonal(const StepContext&, std::int64_t probes, Probe);

}  // namespace talweg::optim
