// SPDX-License-Identifier: Apache-2.0
// What a run starts from: fresh parameters, or the newest intact checkpoint of its directory.
#pragma once

#include "train/run.hpp"

namespace talweg::train {

struct Beginning {
  bool already_finished = false;  // by its last checkpoint; then this is how
  Ending earlier;
};

/// Collective: opens the archive, and fills state and session. What it refuses is thrown on all ranks.
Beginning begin(Run& run);

}  // namespace talweg::train
