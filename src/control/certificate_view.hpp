// SPDX-License-Identifier: Apache-2.0
// Where a run ended, as `talweg certify` tells it.
#pragma once

#include <string>

#include "train/stored_model.hpp"

namespace talweg::control {

std::string certificate_json(const train::Certificate& certificate);
std::string certificate_text(const train::Certificate& certificate);

}  // namespace talweg::control
