// SPDX-License-Identifier: Apache-2.0
#include "io/seal.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "io/read_file.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
static_assert(std::endian::native == std::endian::little, "the seal's integers are little-endian");

constexpr std::array<char, 8> kMagic{'T', 'A', 'L', 'W', 'E', 'G', '0', '1'};

/// The bytes in the file. Magic, version and own_hash keep their places in every version.
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

using Hash = std::array<unsigned char, 16>;

Hash canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  return std::to_array(bytes.digest);
}

Hash hash_of(std::span<const std::byte> content) { return canonical(XXH3_128bits(content.data(), content.size())); }

/// The hash of what follows the seal.
Hash hash_of(int file, std::int64_t end, const std::string& name) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  read_parts(file, kSealBytes, end, name,
             [&](std::span<const std::byte> part) { XXH3_128bits_update(state.get(), part.data(), part.size()); });
  return canonical(XXH3_128bits_digest(state.get()));
}

std::vector<std::byte> head_of(int file, std::int64_t bytes, const std::string& name) {
  std::vector<std::byte> head;
  read_parts(file, 0, std::min<std::int64_t>(bytes, kSealBytes), name,
             [&](std::span<const std::byte> part) { head.insert(head.end(), part.begin(), part.end()); });
  return head;
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

/// `head` begins with the bytes of the seal, as far as the file has them; `hash` computes the hash of what follows the seal.
template <class Compute>
void verify(std::span<const std::byte> head, std::uint64_t bytes, const std::string& name, Compute hash) {
  if (head.size() < kSealBytes) {
    damaged("{}: truncated: found {} bytes, expected {} or more of a checkpoint", name, head.size(), kSealBytes);
  }
  Seal s;
  std::memcpy(&s, head.data(), sizeof(s));
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
  if (s.file_bytes != bytes) {
    damaged("{}: {}: found {} bytes, expected {}", name, bytes < s.file_bytes ? "truncated" : "too long", bytes, s.file_bytes);
  }
  if (const Hash found = hash(); found != s.hash) {
    damaged("{}: damaged: found hash {}, expected {}", name, hexadecimal(std::as_bytes(std::span(found))),
            hexadecimal(std::as_bytes(std::span(s.hash))));
  }
}

}  // namespace

void seal(int file, const std::string& name) {
  const std::int64_t bytes = bytes_in(file);
  Seal s{};
  s.magic = kMagic;
  s.version = kCheckpointVersion;
  s.seal_bytes = kSealBytes;
  s.file_bytes = static_cast<std::uint64_t>(bytes);
  s.hash = hash_of(file, bytes, name);
  s.own_hash = hash_of(s);
  const int error = ::lseek(file, 0, SEEK_SET) == 0 ? write_all(file, std::as_bytes(std::span(&s, 1))) : errno;
  if (error != 0) base::fail(ExitCode::io, "{}: cannot write: {}", name, std::generic_category().message(error));
}

void verify_seal(std::span<const std::byte> file, const std::string& name) {
  verify(file, file.size(), name, [&] { return hash_of(file.subspan(kSealBytes)); });
}

void verify_seal(int file, const std::string& name) {
  const std::int64_t bytes = bytes_in(file);
  const std::vector<std::byte> head = head_of(file, bytes, name);
  verify(head, static_cast<std::uint64_t>(bytes), name, [&] { return hash_of(file, bytes, name); });
}

std::vector<std::byte> read_sealed(int file, const std::string& name) {
  const std::int64_t bytes = bytes_in(file);
  std::vector<std::byte> content = head_of(file, bytes, name);
  verify(content, static_cast<std::uint64_t>(bytes), name, [&] {  // allocates only after the length has been checked
    content.reserve(static_cast<std::size_t>(bytes));
    read_parts(file, kSealBytes, bytes, name,
               [&](std::span<const std::byte> part) { content.insert(content.end(), part.begin(), part.end()); });
    return hash_of(std::span(content).subspan(kSealBytes));
  });
  return content;
}

}  // namespace talweg::io
