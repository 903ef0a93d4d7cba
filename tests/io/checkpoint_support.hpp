// SPDX-License-Identifier: Apache-2.0
// What the tests of checkpoints share.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "io/checkpoint_store.hpp"
#include "talweg/log.hpp"
#include "tests/io/support.hpp"

namespace talweg::io {

inline Checkpoint sample(std::int64_t step = 1200) {
  Checkpoint c;
  c.step = step;
  c.counters = {
      {"trainer.step", step}, {"meter.gradients", std::numeric_limits<std::int64_t>::max()}, {"trainer.best_step", -1}};
  for (int i = 0; i < 20; ++i) c.counters["more." + std::to_string(i)] = i;
  c.scalars = {{"trainer.best_value", INFINITY}, {"beta", 0.1}};
  c.arrays = {{"engine.grids", {1, -2147483648.0, 3}}, {"empty", {}}};
  std::vector<float> weight(12);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = std::nextafter(static_cast<float>(i), 100.0f);
  c.parameters = {{"layers.10.weight", {3, 4}, weight},
                  {"layers.1.bias", {2}, std::vector<double>{0.1, -0.0}},
                  {"scale", {}, std::vector<float>{7}}};
  c.state["m"] = c.parameters;
  c.state["v"] = {{"layers.1.bias", {2}, std::vector<double>{5, 6}}};
  c.transform = {.kind = "standardize", .shift = {1, 2}, .scale = {3, 4}};
  c.features = 784;
  c.classes = {"zero", "één", "2"};
  c.config = std::string(100000, '#') + "\n[run]\nseed = 1\n";
  c.fingerprint = "00ff";
  c.model = "mlp 784-512-10";
  c.attributes = {{"ending", ""}, {"config_folder", "/somewhere"}};
  return c;
}

inline std::vector<std::string> warnings;
inline base::Log warning_log() {
  warnings.clear();
  return base::Log([](base::Level level, std::string_view text) {
    if (level == base::Level::warning) warnings.emplace_back(text);
  });
}

inline void flip(const std::filesystem::path& file, std::size_t at) {
  auto bytes = bytes_of(file);
  bytes.at(at) ^= std::byte{0x10};
  put_file(file, bytes);
}

}  // namespace talweg::io
