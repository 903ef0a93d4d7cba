// SPDX-License-Identifier: Apache-2.0
#include "io/checkpoint_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "io/seal.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

// Plain integer tests, so that the loop vectorises.
bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7f800000u;
  std::uint32_t bad = 0;
  for (const float v : values) bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(v) & kExponent) == kExponent);
  return bad == 0;
}
bool all_finite(std::span<const double> values) {
  constexpr std::uint64_t kExponent = 0x7ff0000000000000u;
  std::uint64_t bad = 0;
  for (const double v : values) bad |= static_cast<std::uint64_t>((std::bit_cast<std::uint64_t>(v) & kExponent) == kExponent);
  return bad == 0;
}

template <class Real>
std::optional<std::string> bad_element(std::span<const Real> values) {
  if (all_finite(values)) return std::nullopt;
  std::size_t i = 0;
  while (all_finite(values.subspan(i, 1))) ++i;
  return fmt::format("element {} is {}, expected finite values", i, values[i]);
}

std::optional<std::string> bad_element(const std::vector<StoredTensor>& tensors, const std::string& kind) {
  for (const StoredTensor& t : tensors) {
    const auto bad =
        std::visit([](const auto& values) { return bad_element(std::span(values.data(), values.size())); }, t.values);
    if (bad) return fmt::format("{} '{}': {}", kind, t.name, *bad);
  }
  return std::nullopt;
}

std::string kind_of(const std::string& slot) { return "state '" + slot + "', tensor"; }

template <class Real>
void write_values(h5::Group& group, const StoredTensor& tensor, const std::vector<Real>& values, const std::string& file,
                  const std::string& what) {
  if (values.size() != elements(tensor.shape)) {
    base::fail(ExitCode::internal, "{}: {}: found {} values, its shape has {}", file, what, values.size(),
               elements(tensor.shape));
  }
  const auto number = sizeof(Real) == sizeof(float) ? h5::Number::float32 : h5::Number::float64;
  group.create_dataset(tensor.name, number, tensor.shape).template write<Real>(values);
}

void write_tensors(h5::Group group, const std::vector<StoredTensor>& tensors, const std::string& file,
                   const std::string& kind) {
  for (const StoredTensor& t : tensors) {
    std::visit([&](const auto& values) { write_values(group, t, values, file, kind + " '" + t.name + "'"); }, t.values);
  }
}

std::vector<StoredTensor> read_tensors(const h5::Group& group) {
  std::vector<StoredTensor> tensors;
  for (const std::string& name : group.names()) {
    const h5::Dataset dataset = group.dataset(name);
    StoredTensor tensor{.name = name, .shape = dataset.shape(), .values = {}};
    if (dataset.number() == h5::Number::float32) {
      tensor.values = dataset.read<float>();
    } else {
      tensor.values = dataset.read<double>();
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

void write_array(h5::Group& group, const std::string& name, const std::vector<double>& values) {
  const std::size_t size = values.size();
  group.create_dataset(name, h5::Number::float64, {&size, 1}).write<double>(values);
}

template <class Map>
void write_attributes(h5::Group group, const Map& map) {
  for (const auto& [name, value] : map) group.attributes().set(name, value);
}

std::optional<std::string> what_is_not_finite(const Checkpoint& checkpoint) {
  if (auto bad = bad_element(checkpoint.parameters, "parameter")) return bad;
  for (const auto& [slot, tensors] : checkpoint.state) {
    if (auto bad = bad_element(tensors, kind_of(slot))) return bad;
  }
  for (const auto& [name, value] : checkpoint.scalars) {
    if (std::isnan(value)) return fmt::format("scalar '{}' is {}, expected a number", name, value);
  }
  for (const auto& [name, values] : checkpoint.arrays) {
    const auto bad = std::ranges::find_if(values, [](double v) { return std::isnan(v); });
    if (bad != values.end())
      return fmt::format("array '{}': element {} is {}, expected numbers", name, bad - values.begin(), *bad);
  }
  for (const auto& [name, values] : {std::pair("shift", &checkpoint.transform.shift), {"scale", &checkpoint.transform.scale}}) {
    if (const auto bad = bad_element(std::span<const double>(*values))) return fmt::format("transform {}: {}", name, *bad);
  }
  return std::nullopt;
}

}  // namespace

void expect_finite(const Checkpoint& checkpoint, const std::string& file) {
  if (const auto bad = what_is_not_finite(checkpoint)) base::fail(ExitCode::diverged, "{}: not saved: {}", file, *bad);
}

void fill(h5::Group root, const Checkpoint& checkpoint, const std::string& name) {
  h5::Attributes facts = root.attributes();
  facts.set("format", "talweg checkpoint");
  facts.set("format_version", std::int64_t{kCheckpointVersion});
  facts.set("step", checkpoint.step);
  facts.set("features", static_cast<std::int64_t>(checkpoint.features));
  facts.set("fingerprint", checkpoint.fingerprint);
  facts.set("model", checkpoint.model);
  write_tensors(root.create_group("parameters"), checkpoint.parameters, name, "parameter");
  h5::Group state = root.create_group("state");
  for (const auto& [slot, tensors] : checkpoint.state) {
    write_tensors(state.create_group(slot), tensors, name, kind_of(slot));
  }
  write_attributes(root.create_group("counters"), checkpoint.counters);
  write_attributes(root.create_group("scalars"), checkpoint.scalars);
  h5::Group arrays = root.create_group("arrays");
  for (const auto& [array, values] : checkpoint.arrays) write_array(arrays, array, values);
  h5::Group transform = root.create_group("transform");
  transform.attributes().set("kind", checkpoint.transform.kind);
  write_array(transform, "shift", checkpoint.transform.shift);
  write_array(transform, "scale", checkpoint.transform.scale);
  root.create_text("classes", checkpoint.classes);
  root.create_text("config", {&checkpoint.config, 1});
  write_attributes(root.create_group("attributes"), checkpoint.attributes);
}

Checkpoint from_file(const h5::File& file, const std::string& name) {
  const h5::Group root = file.root();
  const h5::Attributes facts = root.attributes();
  Checkpoint c;
  c.step = facts.integer("step");
  c.features = static_cast<std::size_t>(facts.integer("features"));
  c.fingerprint = facts.text("fingerprint");
  c.model = facts.text("model");
  c.parameters = read_tensors(root.group("parameters"));
  const h5::Group state = root.group("state");
  for (const std::string& slot : state.names()) c.state[slot] = read_tensors(state.group(slot));
  const h5::Group counters = root.group("counters");
  for (const std::string& key : counters.attributes().names()) c.counters[key] = counters.attributes().integer(key);
  const h5::Group scalars = root.group("scalars");
  for (const std::string& key : scalars.attributes().names()) c.scalars[key] = scalars.attributes().number(key);
  const h5::Group arrays = root.group("arrays");
  for (const std::string& key : arrays.names()) c.arrays[key] = arrays.dataset(key).read<double>();
  const h5::Group transform = root.group("transform");
  c.transform = {.kind = transform.attributes().text("kind"),
                 .shift = transform.dataset("shift").read<double>(),
                 .scale = transform.dataset("scale").read<double>()};
  c.classes = root.dataset("classes").read_text();
  const std::vector<std::string> config = root.dataset("config").read_text();
  if (config.size() != 1) base::fail(ExitCode::bad_data, "{}: /config: found {} texts, expected 1", name, config.size());
  c.config = config.front();
  const h5::Group attributes = root.group("attributes");
  for (const std::string& key : attributes.attributes().names()) c.attributes[key] = attributes.attributes().text(key);
  // The hash proves that the file is as it was written, not that Talweg wrote it. So the content is checked as well.
  if (const auto bad = what_is_not_finite(c)) base::fail(ExitCode::bad_data, "{}: {}", name, *bad);
  return c;
}

}  // namespace talweg::io
