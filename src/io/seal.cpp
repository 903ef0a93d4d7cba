// SPDX-License-Identifier: Apache-2.0
#include "io/seal.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace talweg::io {
namespace {

using base::ExitCode;
static_assert(std::endian::native == std::endian::little, "the seal's integers are little-endian");

constexpr std::array<char, 8> kMagic{'T', 'A', 'L', 'W', 'E', 'G', '0', '1'};

/// As it lies in the file. Magic, version and own_hash keep their places in every version.
struct Seal {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t seal_bytes;
  std::uint64_t file_bytes;             // the seal included
  std::array<unsigned char, 16> hash;   // XXH3-128, canonical, of everything after the seal
  std::array<std::byte, 464> reserved;  // zero
  std::uint64_t own_hash;               // XXH3-64 of everything before it
};
static_assert(sizeof(Seal) == kSealBytes && offsetof(Seal, own_hash) == kSealBytes - sizeof(std::uint64_t));

std::uint64_t hash_of(const Seal& s) { return XXH3_64bits(&s, offsetof(Seal, own_hash)); }

std::array<unsigned char, 16> hash_of(std::span<const std::byte> content) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(content.data(), content.size()));
  return std::to_array(canonical.digest);
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += kDigits[std::to_integer<std::size_t>(b >> 4)];
    text += kDigits[std::to_integer<std::size_t>(b & std::byte{15})];
  }
  return text;
}

template <class... Args>
[[noreturn]] void damaged(fmt::format_string<Args...> text, Args&&... args) {
  throw Damaged(ExitCode::bad_data, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace

void seal(std::span<std::byte> file) {
  Seal s{};
  s.magic = kMagic;
  s.version = kCheckpointVersion;
  s.seal_bytes = kSealBytes;
  s.file_bytes = file.size();
  s.hash = hash_of(file.subspan(kSealBytes));
  s.own_hash = hash_of(s);
  std::memcpy(file.data(), &s, sizeof(s));
}

void verify_seal(std::span<const std::byte> file, const std::string& name) {
  if (file.size() < kSealBytes) {
    damaged("{}: truncated: found {} bytes, expected {} or more of a checkpoint", name, file.size(), kSealBytes);
  }
  Seal s;
  std::memcpy(&s, file.data(), sizeof(s));
  if (s.magic != kMagic) {
    damaged("{}: no checkpoint: found {} at its start, expected {} (TALWEG01)", name,
            hexadecimal(std::as_bytes(std::span(s.magic))), hexadecimal(std::as_bytes(std::span(kMagic))));
  }
  if (const std::uint64_t own = hash_of(s); own != s.own_hash) {
    damaged("{}: damaged in its first {} bytes: found hash {:016x}, expected {:016x}", name, kSealBytes, own, s.own_hash);
  }
  if (s.version > kCheckpointVersion) {
    base::fail(ExitCode::bad_data, "{}: found checkpoint format {}, expected {} or older: written by a newer talweg", name,
               s.version, kCheckpointVersion);
  }
  if (s.file_bytes != file.size()) {
    damaged("{}: {}: found {} bytes, expected {}", name, file.size() < s.file_bytes ? "truncated" : "too long", file.size(),
            s.file_bytes);
  }
  if (const auto hash = hash_of(file.subspan(kSealBytes)); hash != s.hash) {
    damaged("{}: damaged: found hash {}, expected {}", name, hexadecimal(std::as_bytes(std::span(hash))),
            hexadecimal(std::as_bytes(std::span(s.hash))));
  }
}

}  // namespace talweg::io
