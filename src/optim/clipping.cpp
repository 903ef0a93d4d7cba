// SPDX-License-Identifier: Apache-2.0
#include "optim/clipping.hpp"

#include <array>

namespace talweg::optim {

Clipping parse_clipping(const base::Section& method) {
  struct Key {
    const char* name;
    Clip by;
    const char* meaning;
  };
  constexpr std::array keys = {
      Key{"clip_global_norm", Clip::global_norm, "gradients longer than this are scaled to it; 0: off"},
      Key{"clip_norm", Clip::norm, "tensors of the gradient longer than this are scaled to it; 0: off"},
      Key{"clip_average_norm", Clip::average_norm, "tensors whose norm / elements is more are scaled to it; 0: off"},
      Key{"clip_value", Clip::value, "elements of the gradient are brought into [-this, this]; 0: off"}};
  Clipping clipping;
  const char* first = nullptr;
  for (const Key& key : keys) {
    const double limit = method.number(key.name, 0.0, base::Range::non_negative(), key.meaning);
    if (limit == 0) continue;
    if (first != nullptr) method.fail(key.name, std::string("it beside ") + first, "one way of clipping");
    first = key.name;
    clipping = {key.by, limit};
  }
  return clipping;
}

Clipped::Clipped(const Clipping& clipping, const VectorSpace& space, double squared_norm) {
  const auto scale = [&](double norm) { return norm > clipping.limit ? clipping.limit / norm : 1; };
  const auto tensors = space.layout().tensors();
  switch (clipping.by) {
    case Clip::none:
      break;
    case Clip::value:
      limit_ = clipping.limit;
      break;
    case Clip::global_norm:
      scales_.assign(tensors.size(), scale(std::sqrt(squared_norm)));
      break;
    case Clip::norm:
    case Clip::average_norm: {
      const auto sums = space.tensor_sums();
      for (std::size_t t = 0; t < tensors.size(); ++t) {
        const double elements = clipping.by == Clip::norm ? 1 : static_cast<double>(tensors[t].size);
        scales_.push_back(scale(std::sqrt(sums[t][0]) / elements));
      }
    }
  }
}

}  // namespace talweg::optim
