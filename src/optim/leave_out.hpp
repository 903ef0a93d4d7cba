// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "talweg/method.hpp"

namespace talweg::optim {

/// Whether a failed step of the method may be left out because no later step builds on it. This holds for a rule on minibatch
/// gradients; a snapshot, a recursion or a gradient that is gathered over several steps would be left incomplete.
bool may_leave_out_steps(const Method& method);

}  // namespace talweg::optim
