// SPDX-License-Identifier: Apache-2.0
#include "tests/support/source.hpp"

namespace talweg::test {

std::filesystem::path source() { return TALWEG_SOURCE_DIR; }

}  // namespace talweg::test
