// SPDX-License-Identifier: Apache-2.0
// The ranks these tests run on, on one machine: as they are, and as if on several nodes. Made and dropped by main().
#pragma once

#include <memory>

#include "talweg/communicator.hpp"

namespace talweg::test {

inline std::unique_ptr<comm::Communicator> world;
inline std::unique_ptr<comm::Communicator> pairs;    // nodes of two
inline std::unique_ptr<comm::Communicator> singles;  // each its own node

}  // namespace talweg::test
