// SPDX-License-Identifier: Apache-2.0
#include "io/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "io/checkpoint_file.hpp"
#include "io/publish.hpp"
#include "io/publish_file.hpp"
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

/// Why the file cannot be loaded; nothing if it can.
std::optional<std::string> damage(const fs::path& file) {
  bool opened = false;
  try {
    const Descriptor there = open_file(file);
    opened = true;
    verify_seal(there.get(), file.string());
  } catch (const Damaged& e) {
    return e.what();
  } catch (const base::Error& e) {
    const bool other = e.code() == ExitCode::bad_data && !opened;  // no regular file
    if (e.code() != ExitCode::io && e.code() != ExitCode::input_missing && !other) throw;
    return e.what();  // a bad sector, or gone since the directory was read
  }
  return std::nullopt;
}

}  // namespace

std::vector<Found> checkpoints_in(const fs::path& directory) {
  std::vector<Found> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (const auto step = step_in(entry.path().filename().string())) found.push_back({entry.path(), *step});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    base::fail(error == std::errc::permission_denied ? ExitCode::permission : ExitCode::io,
               "{}: cannot list the checkpoints: {}", directory.string(), error.message());
  }
  std::ranges::sort(found, std::ranges::greater{}, &Found::step);
  return found;
}

Checkpoint load(const fs::path& file) {
  const Descriptor opened = open_file(file);
  verify_seal(opened.get(), file.string());
  return from_file(h5::File::open(file.string(), opened.get()), file.string());
}

Checkpoint load_image(const std::vector<std::byte>& content, const std::string& name) {
  verify_seal(content, name);
  return from_file(h5::File::open(name, content), name);
}

fs::path checkpoint_file(const fs::path& directory, std::int64_t step) {
  return directory / fmt::format("step-{:09d}.h5", step);
}

fs::path save(const fs::path& directory, const Checkpoint& checkpoint) {
  fs::path file = checkpoint_file(directory, checkpoint.step);
  save_as(file, checkpoint);
  return file;
}

void save_as(const fs::path& file, const Checkpoint& checkpoint) {
  const std::string name = file.string();
  expect_finite(checkpoint, name);
  publish_file(file, [&](int descriptor) {
    h5::write_file(name, descriptor, kSealBytes, [&](h5::Group root) { fill(std::move(root), checkpoint, name); });
    seal(descriptor, name);
  });
}

std::optional<Found> newest_intact(const fs::path& directory, const base::Log& log) {
  for (Found& found : checkpoints_in(directory)) {
    const auto reason = damage(found.path);
    if (!reason) return std::move(found);
    log.warn(fmt::format("{}; skipped, an older one is looked for", *reason));
  }
  return std::nullopt;
}

void rotate(const fs::path& directory, int keep, std::int64_t saved) {
  remove_leftovers(directory);
  int intact = 0;
  for (const Found& found : checkpoints_in(directory)) {
    if (found.step > saved) continue;
    if (intact < std::max(keep, 1)) {
      if (!damage(found.path)) ++intact;
      continue;
    }
    std::error_code error;
    fs::remove(found.path, error);
    if (error) base::fail(ExitCode::io, "{}: cannot remove the old checkpoint: {}", found.path.string(), error.message());
  }
}

}  // namespace talweg::io
