// SPDX-License-Identifier: Apache-2.0
#include "io/little_endian.hpp"

namespace talweg::io {

void put_bytes(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace talweg::io
