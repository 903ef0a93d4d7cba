// SPDX-License-Identifier: Apache-2.0
// The exit code of a system error.
#pragma once

#include <cerrno>

#include "talweg/error.hpp"

namespace talweg::base {

/// `error` is an errno; returns `otherwise` if it is not about permissions.
inline ExitCode exit_code_of(int error, ExitCode otherwise) {
  return error == EACCES || error == EPERM || error == EROFS ? ExitCode::permission : otherwise;
}

}  // namespace talweg::base
