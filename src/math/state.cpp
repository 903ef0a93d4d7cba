// SPDX-License-Identifier: Apache-2.0
#include "talweg/state.hpp"

#include <algorithm>
#include <stdexcept>

namespace talweg::math {
namespace {

template <class Slots, class Name>
std::size_t position(const Slots& slots, std::string_view name, Name name_of, const char* kind) {
  const auto found = std::ranges::find(slots, name, name_of);
  if (found == slots.end())
    throw std::logic_error(std::string("no state ") + kind + " '" + std::string(name) + "' was declared");
  return static_cast<std::size_t>(found - slots.begin());
}

}  // namespace

void StateLayout::claim(const std::string& name) {
  if (std::ranges::find(names_, name) != names_.end()) throw std::logic_error("state slot '" + name + "' is declared twice");
  names_.push_back(name);
}

Vector StateLayout::vector(std::string name, Initial initial) {
  claim(name);
  initials_.push_back(initial);
  vectors_.push_back(std::move(name));
  return Vector{static_cast<std::uint32_t>(vectors_.size() - 1)};
}

void StateLayout::scalar(std::string name, double initial) {
  claim(name);
  scalars_.push_back({std::move(name), initial});
}

void StateLayout::counter(std::string name, std::int64_t initial) {
  claim(name);
  counters_.push_back({std::move(name), initial});
}

void StateLayout::array(std::string name, std::size_t size, double initial) {
  claim(name);
  arrays_.push_back({std::move(name), size, initial});
}

void StateLayout::per_example(std::string name) {
  claim(name);
  per_example_.push_back(std::move(name));
}

State::State(StateLayout layout) : layout_(std::move(layout)) {
  for (const auto& s : layout_.scalars()) scalars_.push_back(s.initial);
  for (const auto& c : layout_.counters()) counters_.push_back(c.initial);
  for (const auto& a : layout_.arrays()) arrays_.emplace_back(a.size, a.initial);
}

Vector State::vector(std::string_view name) const {
  return Vector{static_cast<std::uint32_t>(position(layout_.vectors(), name, std::identity{}, "vector"))};
}

PerExample State::per_example(std::string_view name) const {
  return PerExample{static_cast<std::uint32_t>(position(layout_.per_example(), name, std::identity{}, "per-example slot"))};
}

double& State::scalar(std::string_view name) {
  return scalars_[position(layout_.scalars(), name, &StateLayout::Scalar::name, "scalar")];
}

std::int64_t& State::counter(std::string_view name) {
  return counters_[position(layout_.counters(), name, &StateLayout::Counter::name, "counter")];
}

std::span<double> State::array(std::string_view name) {
  return arrays_[position(layout_.arrays(), name, &StateLayout::Array::name, "array")];
}

Numbers State::numbers(std::string_view except) const {
  Numbers numbers{
      .scalars = {scalars_.begin(), scalars_.end()}, .counters = {counters_.begin(), counters_.end()}, .arrays = {}};
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    const bool copied = except.empty() || !layout_.arrays()[k].name.starts_with(except);
    numbers.arrays.push_back(copied ? arrays_[k] : std::vector<double>{});
  }
  return numbers;
}

void State::set(const Numbers& numbers) {
  std::ranges::copy(numbers.scalars, scalars_.begin());
  std::ranges::copy(numbers.counters, counters_.begin());
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    if (!numbers.arrays[k].empty()) arrays_[k] = numbers.arrays[k];
  }
}

}  // namespace talweg::math
