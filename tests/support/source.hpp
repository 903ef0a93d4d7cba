// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace talweg::test {

/// The root of the repository. Only one object file knows it: all others are the same in every checkout, so that a compiler
/// cache can share them.
std::filesystem::path source();

}  // namespace talweg::test
