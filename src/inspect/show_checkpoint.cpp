// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <cmath>

#include "inspect/run_files.hpp"
#include "inspect/show.hpp"
#include "report/table.hpp"

namespace talweg::inspect {
namespace {

using report::Table;

constexpr std::size_t kConfigLines = 20;  // of the head shown to people

std::string precision_of(const io::StoredTensor& t) { return t.values.index() == 0 ? "float32" : "float64"; }

/// Euclidean norm, summed in double.
double norm_of(const io::StoredTensor& t) {
  return std::visit(
      [](const auto& values) {
        double sum = 0;
        for (const auto v : values) sum += static_cast<double>(v) * static_cast<double>(v);
        return std::sqrt(sum);
      },
      t.values);
}

double norm_of(const std::vector<io::StoredTensor>& tensors) {
  double sum = 0;
  for (const io::StoredTensor& t : tensors) sum += norm_of(t) * norm_of(t);
  return std::sqrt(sum);
}

std::size_t elements_of(const std::vector<io::StoredTensor>& tensors) {
  std::size_t sum = 0;
  for (const io::StoredTensor& t : tensors) sum += io::elements(t.shape);
  return sum;
}

void write_tensors(report::JsonWriter& json, std::string_view name, const std::vector<io::StoredTensor>& tensors) {
  json.array(name);
  for (const io::StoredTensor& t : tensors) {
    json.object().field("name", t.name).field("shape", t.shape).field("precision", precision_of(t));
    json.field("norm", norm_of(t)).end();
  }
  json.end();
}

/// The first lines of a text, and how many more there are.
std::string head_of(const std::string& text, std::size_t lines) {
  std::string head;
  std::size_t begin = 0;
  std::size_t line = 0;
  for (; line < lines && begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    head += fmt::format("  {}\n", std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
  std::size_t rest = 0;
  for (; begin < text.size(); ++rest) begin = std::min(text.find('\n', begin), text.size()) + 1;
  return rest == 0 ? head : head + fmt::format("  ... {} more lines (--json has them all)\n", rest);
}

}  // namespace

std::string checkpoint_text(const std::string& file, const io::Checkpoint& c) {
  using enum Table::Align;
  std::string text =
      fmt::format("{}\n  step        {}\n  model       {} ({} parameters)\n", file, c.step, c.model, elements_of(c.parameters));
  text += fmt::format("  data        {} features, {}, transform {}, fingerprint {}\n", c.features,
                      c.classes.empty() ? "numeric targets" : fmt::format("{} classes", c.classes.size()), c.transform.kind,
                      c.fingerprint);
  for (const auto& [name, value] : c.attributes) {
    if (!value.empty()) text += fmt::format("  {:<11} {}\n", name, value);
  }
  Table parameters({{"parameters", left}, {"shape", left}, {"precision", left}, {"norm", right}});
  for (const io::StoredTensor& t : c.parameters)
    parameters.add({t.name, shape_text(t.shape), precision_of(t), fmt::format("{:.6g}", norm_of(t))});
  text += "\n" + parameters.text("  ");
  if (!c.state.empty()) {
    Table state({{"state", left}, {"tensors", right}, {"elements", right}, {"norm", right}});
    for (const auto& [slot, tensors] : c.state) {
      state.add({slot, std::to_string(tensors.size()), std::to_string(elements_of(tensors)),
                 fmt::format("{:.6g}", norm_of(tensors))});
    }
    text += "\n" + state.text("  ");
  }
  Table numbers({{"counters, scalars, arrays", left}, {"", right}});
  for (const auto& [name, value] : c.counters) numbers.add({name, std::to_string(value)});
  for (const auto& [name, value] : c.scalars) numbers.add({name, fmt::format("{:.9g}", value)});
  for (const auto& [name, values] : c.arrays) numbers.add({name, fmt::format("[{}]", values.size())});
  return text + "\n" + numbers.text("  ") + "\n  config\n" + head_of(c.config, kConfigLines);
}

void write_checkpoint(report::JsonWriter& json, const std::string& file, const io::Checkpoint& c) {
  json.object().field("kind", "checkpoint").field("file", file).field("step", c.step).field("model", c.model);
  json.field("features", c.features).field("classes", c.classes);
  json.object("transform").field("kind", c.transform.kind).field("shift", c.transform.shift);
  json.field("scale", c.transform.scale).end();
  json.field("fingerprint", c.fingerprint);
  write_tensors(json, "parameters", c.parameters);
  json.object("state");
  for (const auto& [slot, tensors] : c.state) write_tensors(json, slot, tensors);
  json.end();
  json.field("counters", c.counters).field("scalars", c.scalars).field("arrays", c.arrays);
  json.field("attributes", c.attributes).field("config", c.config).end();
}

}  // namespace talweg::inspect
