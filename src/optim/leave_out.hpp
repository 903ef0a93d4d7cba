// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "talweg/method.hpp"

namespace talweg::optim {

/// True when a step of the method that has failed may be left out: no later one builds on what it should have written. So it is
/// with a rule on minibatch gradients; a snapshot, a recursion or a gradient that is gathered over steps would be left half
/// done.
bool may_leave_out_steps(const Method& method);

}  // namespace talweg::optim
