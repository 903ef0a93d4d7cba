// SPDX-License-Identifier: Apache-2.0
#include "data/fingerprint.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

namespace talweg::data {

struct Fingerprint::State {
  State() : hash(XXH3_createState()) {
    if (hash == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(hash);
  }
  ~State() { XXH3_freeState(hash); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* hash;
};

Fingerprint::Fingerprint() : state_(std::make_unique<State>()) {}
Fingerprint::~Fingerprint() = default;

void Fingerprint::add(const Record& record) {
  const auto update = [this](const auto& piece) {
    const std::uint64_t size = piece.size();  // with the length, so that the boundaries between pieces count
    XXH3_128bits_update(state_->hash, &size, sizeof(size));
    if (size > 0) XXH3_128bits_update(state_->hash, piece.data(), size * sizeof(piece[0]));
  };
  update(record.dense);
  update(record.columns);
  update(record.values);
  update(record.label);
}

std::string Fingerprint::hex() const {
  const XXH128_hash_t digest = XXH3_128bits_digest(state_->hash);
  return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

std::string fingerprint(std::size_t features, std::span<const double> rows, std::span<const double> targets) {
  Fingerprint all;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string label = fmt::format("{}", targets[i]);
    all.add({.dense = rows.subspan(i * features, features), .columns = {}, .values = {}, .label = label});
  }
  return all.hex();
}

}  // namespace talweg::data
