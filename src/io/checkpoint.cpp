// SPDX-License-Identifier: Apache-2.0
#include "io/checkpoint.hpp"

#include "io/atomic_file.hpp"
#include "io/checkpoint_file.hpp"
#include "io/read_file.hpp"
#include "io/seal.hpp"

namespace talweg::io {

Checkpoint load(const std::filesystem::path& file) {
  const std::string name = file.string();
  const std::vector<std::byte> content = read_sealed(open_file(file).get(), name);
  return from_file(h5::File::open(name, content), name);
}

Checkpoint load_image(const std::vector<std::byte>& content, const std::string& name) {
  verify_seal(content, name);
  return from_file(h5::File::open(name, content), name);
}

Descriptor write_checkpoint(const std::filesystem::path& file, const Checkpoint& checkpoint) {
  const std::string name = file.string();
  expect_finite(checkpoint, name);
  return write_atomically(file, [&](int descriptor) {
    h5::write_file(name, descriptor, kSealBytes, [&](h5::Group root) { fill(std::move(root), checkpoint, name); });
    seal(descriptor, name);
  });
}

void save_as(const std::filesystem::path& file, const Checkpoint& checkpoint) { write_checkpoint(file, checkpoint); }

}  // namespace talweg::io
