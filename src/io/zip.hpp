// SPDX-License-Identifier: Apache-2.0
// The part of the zip format that .npz needs: stored or deflated members, read in full; stored members written.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace talweg::io {

struct ZipMember {
  std::string name;
  std::vector<std::byte> content;
};

/// All members in the order of the archive's directory, checked against their CRC-32. Error(bad_data) naming `file` and member.
std::vector<ZipMember> read_zip(std::span<const std::byte> archive, const std::string& file);

/// No time stamps: the same members give the same bytes. Error(cannot_create) beyond 4 GiB or 65535 members.
std::vector<std::byte> write_zip(const std::vector<ZipMember>& members, const std::string& file);

}  // namespace talweg::io
