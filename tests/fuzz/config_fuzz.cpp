// SPDX-License-Identifier: Apache-2.0
// Any text as a config: it is parsed, or refused with an Error.
#include "talweg/error.hpp"
#include "train/run_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto config = talweg::base::Config::parse({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
    talweg::train::parse_run(config);
  } catch (const talweg::base::Error&) {
  }
  return 0;
}
