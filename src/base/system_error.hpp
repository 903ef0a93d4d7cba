// SPDX-License-Identifier: Apache-2.0
// Which exit code an error of the system is.
#pragma once

#include <cerrno>

#include "talweg/error.hpp"

namespace talweg::base {

/// `error` as errno has it; `otherwise` where it is not about permissions.
inline ExitCode exit_code_of(int error, ExitCode otherwise) {
  return error == EACCES || error == EPERM || error == EROFS ? ExitCode::permission : otherwise;
}

}  // namespace talweg::base
