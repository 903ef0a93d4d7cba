// SPDX-License-Identifier: Apache-2.0
// Any bytes behind a seal with their hash: the input of a checkpoint's parser if the hash does not stop it.
#include "io/checkpoint.hpp"
#include "io/seal.hpp"
#include "talweg/error.hpp"
#include "tests/fuzz/bytes_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talweg;
  if (size < io::kSealBytes) return 0;
  const test::BytesFile file({data, size});
  io::seal(file.descriptor(), "fuzz.h5");
  try {
    io::load(file.path());
  } catch (const base::Error&) {
  }
  return 0;
}
