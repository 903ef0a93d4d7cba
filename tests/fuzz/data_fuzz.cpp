// SPDX-License-Identifier: Apache-2.0
// Any bytes as a data file; the first says of which format. IDX and NPY may have their labels in a second file: here the same.
#include "data/load.hpp"
#include "talweg/error.hpp"
#include "tests/fuzz/bytes_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talweg;
  if (size == 0) return 0;
  const test::BytesFile file(std::span(data, size).subspan(1));
  data::DataConfig config;
  config.train = {.path = file.path(), .format = {}, .labels = {}};
  switch (data[0]) {
    case 'i':
      config.train.format = "idx";
      config.train.labels = file.path();
      break;
    case 's':
      config.train.format = "libsvm";
      break;
    case 'c':
      config.train.format = "csv";
      break;
    case 'n':
      config.train.format = "npy";
      break;
    case 'l':
      config.train.format = "npy";
      config.train.labels = file.path();
      break;
    default:
      return 0;
  }
  try {
    const base::Log quiet;
    data::load<float>(config, data::TargetKind::classes, 0, 1, quiet);
  } catch (const base::Error&) {
  }
  return 0;
}
