// SPDX-License-Identifier: Apache-2.0
#include "io/trace_rows.hpp"

#include <fcntl.h>
#include <xxhash.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/system_error.hpp"
#include "io/atomic_file.hpp"
#include "io/little_endian.hpp"
#include "io/read_file.hpp"
#include "io/trace_columns.hpp"

namespace talweg::io {
namespace {

using Bytes = std::span<const std::byte>;

// Header: magic, generation, hash of both. Record: payload bytes, kind (the index in TraceRecord), payload, hash of all that,
// seeded with the generation, so that a record of an earlier file is not taken for one of this file.
constexpr std::array<char, 8> kMagic{'T', 'W', 'R', 'O', 'W', 'S', '0', '1'};
constexpr std::size_t kHeaderBytes = 24, kPrefixBytes = 5, kHashBytes = 8;

std::vector<std::byte> header_of(std::int64_t generation) {
  std::vector<std::byte> header;
  put_bytes(header, std::as_bytes(std::span(kMagic)));
  put(header, generation);
  put(header, std::uint64_t{XXH3_64bits(header.data(), header.size())});
  return header;
}

void put_text(std::vector<std::byte>& to, std::string_view text) {
  put(to, static_cast<std::uint32_t>(text.size()));
  put_bytes(to, std::as_bytes(std::span(text)));
}

void put_payload(std::vector<std::byte>& to, const StepRow& row) {
  for (const StepColumn& column : kStepColumns) std::visit([&](auto field) { put(to, row.*field); }, column.field);
}
void put_payload(std::vector<std::byte>& to, const EvaluationRow& row) {
  put(to, row.step, row.seconds, row.gradient_evaluations, static_cast<std::uint32_t>(row.figures.size()));
  for (const auto& [name, value] : row.figures) {
    put_text(to, name);
    put(to, value);
  }
}
void put_payload(std::vector<std::byte>& to, const TraceEvent& event) {
  put(to, event.step, event.seconds);
  put_text(to, event.kind);
  put_text(to, event.message);
}

/// Takes numbers and texts from the front. Past the end it returns zeros, and ok() is false.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    if (take(sizeof(T))) value = get<T>(taken_, 0);
    return value;
  }
  std::string text() {
    const auto size = number<std::uint32_t>();
    return take(size) ? std::string(reinterpret_cast<const char*>(taken_.data()), taken_.size()) : std::string();
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }

 private:
  bool take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_) return false;
    taken_ = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return true;
  }
  Bytes bytes_, taken_;
  bool ok_ = true;
};

std::optional<TraceRecord> parse(std::uint8_t kind, Bytes payload) {
  Cursor from(payload);
  TraceRecord record;
  if (kind == 0) {
    StepRow row;
    for (const StepColumn& column : kStepColumns) {
      std::visit([&](auto field) { row.*field = from.number<std::remove_reference_t<decltype(row.*field)>>(); }, column.field);
    }
    record = row;
  } else if (kind == 1) {
    EvaluationRow row{.step = from.number<std::int64_t>(),
                      .seconds = from.number<double>(),
                      .gradient_evaluations = from.number<std::int64_t>(),
                      .figures = {}};
    const auto count = from.number<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) {
      std::string name = from.text();
      row.figures.emplace_back(std::move(name), from.number<double>());
    }
    record = std::move(row);
  } else if (kind == 2) {
    TraceEvent event{.step = from.number<std::int64_t>(), .seconds = from.number<double>(), .kind = {}, .message = {}};
    event.kind = from.text();
    event.message = from.text();
    record = std::move(event);
  } else {
    return std::nullopt;
  }
  if (!from.complete()) return std::nullopt;
  return record;
}

/// Turns bytes into records.
class Parser {
 public:
  Parser(std::int64_t generation, const std::function<void(const TraceRecord&)>& take, std::int64_t most)
      : generation_(generation), take_(take), most_(most) {}

  void add(Bytes part) {
    if (ended_) return;
    put_bytes(torn_, part);
    Bytes rest(torn_);
    while (const std::size_t taken = next(rest)) rest = rest.subspan(taken);
    torn_.erase(torn_.begin(), torn_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  }
  [[nodiscard]] std::int64_t records() const { return records_; }

 private:
  /// Takes the header or a record and returns its bytes; 0 if more bytes are needed, or if the file ends here.
  std::size_t next(Bytes content) {
    ended_ = ended_ || records_ == most_;
    if (ended_) return 0;
    if (!begun_) {
      if (content.size() < kHeaderBytes) return 0;
      const auto header = header_of(generation_);
      ended_ = std::memcmp(content.data(), header.data(), kHeaderBytes) != 0;
      begun_ = true;
      return ended_ ? 0 : kHeaderBytes;
    }
    if (content.size() < kPrefixBytes + kHashBytes) return 0;
    const std::size_t hashed = kPrefixBytes + get<std::uint32_t>(content, 0);
    if (content.size() < hashed + kHashBytes) return 0;
    ended_ = XXH3_64bits_withSeed(content.data(), hashed, static_cast<XXH64_hash_t>(generation_)) !=
             get<std::uint64_t>(content, hashed);
    if (ended_) return 0;
    const auto record = parse(get<std::uint8_t>(content, 4), content.subspan(kPrefixBytes, hashed - kPrefixBytes));
    ended_ = !record;
    if (ended_) return 0;
    take_(*record);
    ++records_;
    return hashed + kHashBytes;
  }

  std::int64_t generation_;
  const std::function<void(const TraceRecord&)>& take_;
  std::int64_t most_;
  std::vector<std::byte> torn_;  // the beginning of a record that continues in the next part
  std::int64_t records_ = 0;
  bool begun_ = false, ended_ = false;
};

// Rows that are not known to be on the disk are kept in memory; beyond so many bytes they are synced.
constexpr std::size_t kUnsyncedBytes = std::size_t{1} << 19;

}  // namespace

std::int64_t read_rows(const Rows& rows, std::int64_t generation, const std::function<void(const TraceRecord&)>& take,
                       std::int64_t most) {
  Parser parser(generation, take, most);
  read_parts(rows.file, 0, rows.file_bytes, rows.name, [&](Bytes part) { parser.add(part); });
  parser.add(rows.memory);
  return parser.records();
}

void RowsWriter::fail(int error, const char* action) const {
  base::fail(base::exit_code_of(error, base::ExitCode::io), "{}: cannot {}: {}", file_.string(), action,
             std::generic_category().message(error));
}

void RowsWriter::start(std::int64_t generation) {
  lost_ = true;
  generation_ = generation;
  records_ = synced_ = 0;
  written_ = 0;
  buffer_ = header_of(generation);
  descriptor_ = Descriptor(::open(file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (descriptor_.get() < 0) fail(errno, "create the file");
  lost_ = false;
  write();
}

void RowsWriter::append(const TraceRecord& record) {
  const std::size_t begin = buffer_.size();
  try {
    put(buffer_, std::uint32_t{0}, static_cast<std::uint8_t>(record.index()));
    std::visit([&](const auto& row) { put_payload(buffer_, row); }, record);
    const auto payload = static_cast<std::uint32_t>(buffer_.size() - begin - kPrefixBytes);
    std::memcpy(buffer_.data() + begin, &payload, sizeof(payload));
    put(buffer_, std::uint64_t{XXH3_64bits_withSeed(buffer_.data() + begin, buffer_.size() - begin,
                                                    static_cast<XXH64_hash_t>(generation_))});
  } catch (...) {
    buffer_.resize(begin);  // out of memory: half a record would hide all later ones
    throw;
  }
  ++records_;
}

void RowsWriter::write() {
  if (lost_) return;
  if (const int error = write_all(descriptor_.get(), std::span(buffer_).subspan(written_))) {
    // Half a record would hide all later ones.
    const auto end = static_cast<off_t>(synced_ + static_cast<std::int64_t>(written_));
    lost_ = ::ftruncate(descriptor_.get(), end) != 0 || ::lseek(descriptor_.get(), end, SEEK_SET) != end;
    fail(error, "write");
  }
  written_ = buffer_.size();
  if (buffer_.size() > kUnsyncedBytes) sync();
}

void RowsWriter::sync() {
  if (written_ < buffer_.size()) {
    write();
    if (buffer_.empty()) return;
  }
  if (::fsync(descriptor_.get()) != 0) {
    lost_ = true;  // the kernel may have dropped the pages: a second fsync would prove nothing
    fail(errno, "bring the file to the disk");
  }
  synced_ += static_cast<std::int64_t>(buffer_.size());
  buffer_.clear();
  if (buffer_.capacity() > 16 * kUnsyncedBytes) buffer_.shrink_to_fit();  // the disk was full for a while
  written_ = 0;
}

void RowsWriter::read(std::int64_t records, const std::function<void(const TraceRecord&)>& take) const {
  const std::vector<std::byte> memory(buffer_);
  const Rows rows{.name = file_.string(), .file = descriptor_.get(), .file_bytes = synced_, .memory = memory};
  if (const std::int64_t found = read_rows(rows, generation_, take, records); found != records) {
    base::fail(base::ExitCode::bad_data, "{}: damaged: found {} rows, expected {}", file_.string(), found, records);
  }
}

void RowsWriter::rename(const std::filesystem::path& file) {
  const std::filesystem::path before = std::exchange(file_, file);
  if (lost_) fail(EIO, "create the file");
  if (::rename(before.c_str(), file_.c_str()) != 0) {
    lost_ = true;
    fail(errno, "rename the new file");
  }
}

void RowsWriter::sync_name() {
  lost_ = true;  // in case this fails: then a crash may lose what is written under this name
  sync_directory(file_);
  lost_ = false;
}

}  // namespace talweg::io
