// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace talweg::test {

/// The root of the repository. Known to one object file alone: others are the same in every checkout, for a compiler's cache.
std::filesystem::path source();

}  // namespace talweg::test
