// SPDX-License-Identifier: Apache-2.0
#include "io/npz.hpp"

#include <string_view>

#include "io/atomic_file.hpp"
#include "io/npy.hpp"
#include "io/read_file.hpp"
#include "io/zip.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

constexpr std::string_view kEnding = ".npy";

void require_fit(const StoredTensor& tensor, const std::filesystem::path& file) {
  const std::size_t count = std::visit([](const auto& v) { return v.size(); }, tensor.values);
  if (count != elements(tensor.shape)) {
    base::fail(base::ExitCode::internal, "{}: '{}': given {} values for a shape of {}", file.string(), tensor.name, count,
               elements(tensor.shape));
  }
}

}  // namespace

std::vector<StoredTensor> read_npz(const std::filesystem::path& file) {
  const std::vector<std::byte> archive = read_file(file);
  std::vector<StoredTensor> tensors;
  for (const ZipMember& member : read_zip(archive, file.string())) {
    const std::string_view name = member.name;
    const std::string where = fmt::format("{}: member '{}'", file.string(), name);
    tensors.push_back(from_npy(
        member.content, std::string(name.substr(0, name.size() - (name.ends_with(kEnding) ? kEnding.size() : 0))), where));
  }
  return tensors;
}

void write_npz(const std::filesystem::path& file, const std::vector<StoredTensor>& tensors) {
  std::vector<ZipMember> members;
  for (const StoredTensor& tensor : tensors) {
    require_fit(tensor, file);
    members.push_back({tensor.name + std::string(kEnding), to_npy(tensor)});
  }
  write_atomically(file, write_zip(members, file.string()));
}

void write_npy(const std::filesystem::path& file, const std::vector<std::size_t>& shape, const std::vector<double>& values) {
  const StoredTensor tensor{.name = "values", .shape = shape, .values = values};
  require_fit(tensor, file);
  write_atomically(file, to_npy(tensor));
}

}  // namespace talweg::io
