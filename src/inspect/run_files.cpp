// SPDX-License-Identifier: Apache-2.0
#include "inspect/run_files.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>

#include "io/checkpoint.hpp"
#include "io/checkpoint_store.hpp"
#include "io/run_directory.hpp"
#include "talweg/error.hpp"

namespace talweg::inspect {
namespace {

constexpr std::array<char, 8> kHdf5 = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};

}  // namespace

PathKind kind_of(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    base::fail(base::ExitCode::input_missing, "{}: not found, expected a run directory, a checkpoint or a trace",
               path.string());
  }
  if (std::filesystem::is_directory(path, ignored)) return PathKind::run;
  std::array<char, 8> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return start == kHdf5 ? PathKind::trace : PathKind::checkpoint;
}

std::vector<std::filesystem::path> step_files(const std::filesystem::path& run) {
  std::vector<std::filesystem::path> files;
  for (const io::CheckpointFile& found : io::checkpoints_in(io::RunDirectory{run}.checkpoints())) files.push_back(found.path);
  std::ranges::reverse(files);
  return files;
}

std::string run_name(const std::filesystem::path& run_or_trace) {
  std::filesystem::path path = std::filesystem::absolute(run_or_trace).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "runs/first/"
  if (path.filename() == io::kTraceFile) path = path.parent_path();
  return path.filename().string();
}

std::string text_attribute(const io::Trace& trace, const std::string& name) {
  const auto found = trace.attributes.find(name);
  if (found == trace.attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second);
  return text != nullptr ? *text : std::to_string(std::get<std::int64_t>(found->second));
}

double last_number(const io::Columns& columns, const std::string& name) {
  const auto column = columns.find(name);
  if (column != columns.end()) {
    for (auto value = column->second.rbegin(); value != column->second.rend(); ++value) {
      if (!std::isnan(*value)) return *value;
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::string shape_text(const std::vector<std::size_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::string figure_text(const std::string& name, double value) {
  if (std::isnan(value)) return "-";
  return name.ends_with("accuracy") ? fmt::format("{:.2f} %", 100 * value) : fmt::format("{:.6g}", value);
}

}  // namespace talweg::inspect
