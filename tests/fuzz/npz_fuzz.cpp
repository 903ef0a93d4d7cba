// SPDX-License-Identifier: Apache-2.0
// Any bytes as an .npz.
#include "io/npz.hpp"
#include "talweg/error.hpp"
#include "tests/fuzz/bytes_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const talweg::test::BytesFile file({data, size});
  try {
    talweg::io::read_npz(file.path());
  } catch (const talweg::base::Error&) {
  }
  return 0;
}
