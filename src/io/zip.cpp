// SPDX-License-Identifier: Apache-2.0
#include "io/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "io/little_endian.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
using Bytes = std::span<const std::byte>;

// APPNOTE.TXT 6.3: signatures and the fixed lengths of the records that begin with them.
constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint16_t kStored = 0, kDeflated = 8, kEncrypted = 1, kExtra64 = 1;
constexpr std::uint32_t kIn64 = 0xffffffffu;  // "see the zip64 record"
constexpr std::size_t kLargestDeflateRatio = 1032;

struct Entry {
  std::string name;
  std::uint16_t flags, method;
  std::uint32_t crc;
  std::uint64_t stored_bytes, bytes, local_offset;
};

class Reader {
 public:
  Reader(Bytes archive, const std::string& file) : archive_(archive), file_(file) {}

  std::vector<ZipMember> read() {
    std::vector<ZipMember> members;
    for (const Entry& entry : directory()) members.push_back({entry.name, content(entry)});
    return members;
  }

 private:
  [[noreturn]] void damaged(std::string_view what) const {
    base::fail(ExitCode::bad_data, "{}: damaged zip archive: {}", file_, what);
  }
  [[noreturn]] void damaged(const Entry& e, std::string_view what) const {
    base::fail(ExitCode::bad_data, "{}: member '{}': {}", file_, e.name, what);
  }

  /// `size` bytes at `offset`, which must lie in the archive.
  [[nodiscard]] Bytes at(std::uint64_t offset, std::uint64_t size, std::string_view what) const {
    if (offset > archive_.size() || size > archive_.size() - offset)
      damaged(std::string(what) + " lies beyond the end of the file");
    return archive_.subspan(offset, size);
  }

  [[nodiscard]] std::size_t find_end() const {
    for (std::size_t back = kEndBytes; back <= archive_.size() && back <= kEndBytes + kLongestComment; ++back) {
      const std::size_t offset = archive_.size() - back;
      if (get<std::uint32_t>(archive_, offset) == kEnd) return offset;
    }
    base::fail(ExitCode::bad_data, "{}: no zip archive, or a truncated one: the end record was not found", file_);
  }

  [[nodiscard]] std::vector<Entry> directory() const {
    const std::size_t end = find_end();
    std::uint64_t count = get<std::uint16_t>(archive_, end + 10);
    std::uint64_t offset = get<std::uint32_t>(archive_, end + 16);
    if (end >= kLocator64Bytes && get<std::uint32_t>(archive_, end - kLocator64Bytes) == kLocator64) {
      const Bytes record = at(get<std::uint64_t>(archive_, end - kLocator64Bytes + 8), kEnd64Bytes, "the zip64 end record");
      if (get<std::uint32_t>(record, 0) != kEnd64) damaged("no zip64 end record where one is announced");
      count = get<std::uint64_t>(record, 32);
      offset = get<std::uint64_t>(record, 48);
    }
    std::vector<Entry> entries;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Bytes fixed = at(offset, kCentralBytes, "the directory");
      if (get<std::uint32_t>(fixed, 0) != kCentral) damaged("no directory record where one is announced");
      const std::size_t name = get<std::uint16_t>(fixed, 28), extra = get<std::uint16_t>(fixed, 30),
                        comment = get<std::uint16_t>(fixed, 32);
      const Bytes rest = at(offset + kCentralBytes, name + extra + comment, "the directory");
      Entry e{.name = std::string(reinterpret_cast<const char*>(rest.data()), name),
              .flags = get<std::uint16_t>(fixed, 8),
              .method = get<std::uint16_t>(fixed, 10),
              .crc = get<std::uint32_t>(fixed, 16),
              .stored_bytes = get<std::uint32_t>(fixed, 20),
              .bytes = get<std::uint32_t>(fixed, 24),
              .local_offset = get<std::uint32_t>(fixed, 42)};
      read_zip64(e, rest.subspan(name, extra));
      entries.push_back(std::move(e));
      offset += kCentralBytes + name + extra + comment;
    }
    return entries;
  }

  /// Sizes and offsets that did not fit in 32 bits are in an extra field, in this order.
  void read_zip64(Entry& e, Bytes extra) const {
    while (extra.size() >= 4) {
      const auto kind = get<std::uint16_t>(extra, 0);
      const std::size_t size = get<std::uint16_t>(extra, 2);
      if (size > extra.size() - 4) damaged(e, "damaged extra field");
      Bytes field = extra.subspan(4, size);
      extra = extra.subspan(4 + size);
      if (kind != kExtra64) continue;
      for (std::uint64_t* value : {&e.bytes, &e.stored_bytes, &e.local_offset}) {
        if (*value != kIn64) continue;
        if (field.size() < 8) damaged(e, "damaged zip64 field");
        *value = get<std::uint64_t>(field, 0);
        field = field.subspan(8);
      }
    }
  }

  [[nodiscard]] std::vector<std::byte> content(const Entry& e) const {
    if ((e.flags & kEncrypted) != 0) damaged(e, "is encrypted, expected plain content");
    const Bytes local = at(e.local_offset, kLocalBytes, "member '" + e.name + "'");
    if (get<std::uint32_t>(local, 0) != kLocal) damaged(e, "no local record where one is announced");
    const std::uint64_t begin = e.local_offset + kLocalBytes + get<std::uint16_t>(local, 26) + get<std::uint16_t>(local, 28);
    const Bytes stored = at(begin, e.stored_bytes, "member '" + e.name + "'");
    std::vector<std::byte> all;
    if (e.method == kStored) {
      if (e.bytes != e.stored_bytes) damaged(e, "its two sizes differ though it is stored");
      all.assign(stored.begin(), stored.end());
    } else if (e.method == kDeflated) {
      all = inflated(e, stored);
    } else {
      damaged(e, "found compression method " + std::to_string(e.method) + ", expected 0 (stored) or 8 (deflated)");
    }
    if (crc(all) != e.crc) damaged(e, "damaged: its CRC-32 does not fit");
    return all;
  }

  [[nodiscard]] std::vector<std::byte> inflated(const Entry& e, Bytes stored) const {
    if (e.bytes / kLargestDeflateRatio > e.stored_bytes) damaged(e, "its announced size cannot come from so few bytes");
    std::vector<std::byte> all(e.bytes);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) base::fail(ExitCode::internal, "{}: zlib does not start", file_);
    // zlib counts in 32 bits, so input and output are passed in pieces.
    constexpr std::size_t kPiece = std::size_t{1} << 30;
    std::size_t in = 0, out = 0;
    int result = Z_OK;
    while (result == Z_OK) {
      const std::size_t give = std::min(kPiece, stored.size() - in), room = std::min(kPiece, all.size() - out);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stored.data() + in));
      stream.avail_in = static_cast<uInt>(give);
      stream.next_out = reinterpret_cast<Bytef*>(all.data() + out);
      stream.avail_out = static_cast<uInt>(room);
      result = inflate(&stream, Z_NO_FLUSH);
      in += give - stream.avail_in;
      out += room - stream.avail_out;
    }
    inflateEnd(&stream);
    if (result != Z_STREAM_END || out != all.size())
      damaged(e, "damaged: its deflated content does not unpack to the announced size");
    return all;
  }

 public:
  static std::uint32_t crc(Bytes content) {
    return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  }

 private:
  Bytes archive_;
  const std::string& file_;
};

}  // namespace

std::vector<ZipMember> read_zip(Bytes archive, const std::string& file) { return Reader(archive, file).read(); }

std::vector<std::byte> write_zip(const std::vector<ZipMember>& members, const std::string& file) {
  constexpr std::uint16_t kVersion = 20, kUtf8 = 1u << 11, kFirstDay = 0x21;  // 1980-01-01, the earliest date there is
  std::uint64_t total = kEndBytes;
  for (const ZipMember& m : members) total += kLocalBytes + kCentralBytes + 2 * m.name.size() + m.content.size();
  if (total >= kIn64 || members.size() >= std::numeric_limits<std::uint16_t>::max()) {
    base::fail(ExitCode::cannot_create, "{}: {} members of {} bytes, expected at most 65534 of 4 GiB together", file,
               members.size(), total);
  }
  std::vector<std::byte> archive, directory;
  archive.reserve(total);
  for (const ZipMember& m : members) {
    const auto offset = static_cast<std::uint32_t>(archive.size());
    const auto bytes = static_cast<std::uint32_t>(m.content.size());
    const std::uint32_t crc = Reader::crc(m.content);
    const auto name = static_cast<std::uint16_t>(m.name.size());
    const auto put_common = [&](std::vector<std::byte>& to) {
      put(to, kVersion, kUtf8, kStored, std::uint16_t{0}, kFirstDay, crc, bytes, bytes, name, std::uint16_t{0});
    };
    put(archive, kLocal);
    put_common(archive);
    put_bytes(archive, std::as_bytes(std::span(m.name)));
    put_bytes(archive, m.content);
    put(directory, kCentral, kVersion);
    put_common(directory);
    put(directory, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}, std::uint32_t{0}, offset);
    put_bytes(directory, std::as_bytes(std::span(m.name)));
  }
  const auto begin = static_cast<std::uint32_t>(archive.size());
  const auto count = static_cast<std::uint16_t>(members.size());
  put_bytes(archive, directory);
  put(archive, kEnd, std::uint16_t{0}, std::uint16_t{0}, count, count, static_cast<std::uint32_t>(directory.size()), begin,
      std::uint16_t{0});
  return archive;
}

}  // namespace talweg::io
