// SPDX-License-Identifier: Apache-2.0
#include "io/checkpoint_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "io/atomic_file.hpp"
#include "io/checkpoint_file.hpp"
#include "io/read_file.hpp"
#include "io/seal.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;
namespace fs = std::filesystem;

/// The step in "step-000001200.h5"; nothing for other names.
std::optional<std::int64_t> step_in(std::string_view name) {
  constexpr std::string_view kBegin = "step-", kEnd = ".h5";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd) || name.size() <= kBegin.size() + kEnd.size()) return std::nullopt;
  name = name.substr(kBegin.size(), name.size() - kBegin.size() - kEnd.size());
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc{} || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

/// Calls `read` with the open file. Returns why the file cannot be loaded; nothing if `read` has returned.
template <class Read>
std::optional<std::string> damage(const fs::path& file, Read read) {
  bool opened = false;
  try {
    const Descriptor descriptor = open_file(file);
    opened = true;
    read(descriptor.get());
  } catch (const Damaged& e) {
    return e.what();
  } catch (const base::Error& e) {
    const bool irregular = e.code() == ExitCode::bad_data && !opened;
    if (e.code() != ExitCode::io && e.code() != ExitCode::input_missing && !irregular) throw;
    return e.what();  // a bad sector, or removed since the directory was listed
  }
  return std::nullopt;
}

/// The newest file for which `read` succeeds.
template <class Read>
std::optional<CheckpointFile> newest(const fs::path& directory, const base::Log& log, Read read) {
  for (CheckpointFile& found : checkpoints_in(directory)) {
    const auto reason = damage(found.path, [&](int file) { read(file, found.path.string()); });
    if (!reason) return std::move(found);
    log.warn(fmt::format("{}; skipped, trying an older one", *reason));
  }
  return std::nullopt;
}

}  // namespace

fs::path checkpoint_file(const fs::path& directory, std::int64_t step) {
  return directory / fmt::format("step-{:09d}.h5", step);
}

std::vector<CheckpointFile> checkpoints_in(const fs::path& directory) {
  std::vector<CheckpointFile> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (const auto step = step_in(entry.path().filename().string())) found.push_back({entry.path(), *step});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    base::fail(error == std::errc::permission_denied ? ExitCode::permission : ExitCode::io,
               "{}: cannot list the checkpoints: {}", directory.string(), error.message());
  }
  std::ranges::sort(found, std::ranges::greater{}, &CheckpointFile::step);
  return found;
}

std::optional<CheckpointFile> newest_intact(const fs::path& directory, const base::Log& log) {
  return newest(directory, log, [](int file, const std::string& name) { verify_seal(file, name); });
}

CheckpointStore::Identity CheckpointStore::identity_of(int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0)
    base::fail(ExitCode::io, "cannot look at a checkpoint: {}", std::generic_category().message(errno));
  const auto nanoseconds = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return {static_cast<std::int64_t>(facts.st_dev), static_cast<std::int64_t>(facts.st_ino), std::int64_t{facts.st_size},
          nanoseconds(facts.st_mtim), nanoseconds(facts.st_ctim)};
}

fs::path CheckpointStore::save(const Checkpoint& checkpoint) {
  fs::path file = checkpoint_file(directory_, checkpoint.step);
  const Descriptor written = write_checkpoint(file, checkpoint);
  verified_[file] = identity_of(written.get());
  return file;
}

std::optional<CheckpointStore::Loaded> CheckpointStore::load_newest(const base::Log& log) {
  std::vector<std::byte> content;
  Identity identity{};
  auto found = newest(directory_, log, [&](int file, const std::string& name) {
    identity = identity_of(file);  // before it is read: a change meanwhile is noticed later
    content = read_sealed(file, name);
  });
  if (!found) return std::nullopt;
  verified_[found->path] = identity;
  const std::string name = found->path.string();
  return Loaded{.path = std::move(found->path), .checkpoint = from_file(h5::File::open(name, content), name)};
}

bool CheckpointStore::intact(const fs::path& file) {
  Identity identity{};
  const auto reason = damage(file, [&](int descriptor) {
    identity = identity_of(descriptor);
    if (const auto known = verified_.find(file); known != verified_.end() && known->second == identity) return;
    verify_seal(descriptor, file.string());
  });
  if (!reason) verified_[file] = identity;
  return !reason;
}

void CheckpointStore::rotate(int keep, std::int64_t saved) {
  remove_leftovers(directory_);
  int kept = 0;
  for (const CheckpointFile& found : checkpoints_in(directory_)) {
    if (found.step > saved) continue;
    if (kept < std::max(keep, 1)) {
      if (intact(found.path)) ++kept;
      continue;
    }
    std::error_code error;
    fs::remove(found.path, error);
    if (error) base::fail(ExitCode::io, "{}: cannot remove the old checkpoint: {}", found.path.string(), error.message());
    verified_.erase(found.path);
  }
}

}  // namespace talweg::io
