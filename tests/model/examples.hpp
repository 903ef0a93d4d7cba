// SPDX-License-Identifier: Apache-2.0
// A few hand-made examples, dense or sparse.
#pragma once

#include <vector>

#include "base/random.hpp"
#include "data/dataset.hpp"
#include "model/build.hpp"

namespace talweg::test {

template <class Real>
struct Rows {
  std::vector<Real> dense;  // [count, features]
  std::vector<std::vector<std::int32_t>> columns;
  std::vector<std::vector<Real>> values;
  std::vector<data::SparseRow<Real>> sparse;
  std::vector<Real> targets;
  std::vector<std::uint64_t> records;
  std::size_t features = 0;

  [[nodiscard]] data::Examples<Real> view(bool as_sparse) const {
    data::Examples<Real> e{.count = targets.size(),
                           .features = features,
                           .dense = as_sparse ? nullptr : dense.data(),
                           .sparse = {},
                           .targets = targets,
                           .records = records};
    if (as_sparse) e.sparse = sparse;
    return e;
  }
};

/// The same rows dense and sparse, about a third of the entries zero. `classes` 0: numeric targets.
template <class Real>
Rows<Real> make_rows(std::size_t count, std::size_t features, std::size_t classes) {
  const base::Random random(3, base::Purpose::test);
  Rows<Real> rows;
  rows.features = features;
  for (std::size_t i = 0; i < count; ++i) {
    rows.columns.emplace_back();
    rows.values.emplace_back();
    for (std::size_t j = 0; j < features; ++j) {
      const bool zero = random.uniform(i, 1000 + j) < 0.33;
      const Real value = zero ? Real{0} : static_cast<Real>(random.normal(i, j));
      rows.dense.push_back(value);
      if (zero) continue;
      rows.columns.back().push_back(static_cast<std::int32_t>(j));
      rows.values.back().push_back(value);
    }
    rows.targets.push_back(
        static_cast<Real>(classes > 0 ? static_cast<double>(random.below(classes, i, 5000)) : 2 * random.normal(i, 5000)));
    rows.records.push_back(i);
  }
  for (std::size_t i = 0; i < count; ++i)
    rows.sparse.push_back({rows.columns[i].data(), rows.values[i].data(), rows.values[i].size()});
  return rows;
}

inline data::Shape shape_of(std::size_t features, std::size_t classes) {
  data::Shape shape{.count = 0, .features = features, .sparse = false, .classes = {}};
  for (std::size_t k = 0; k < classes; ++k) shape.classes.push_back(std::to_string(k));
  return shape;
}

inline std::size_t classes_for(const std::string& loss) {
  return loss == "logistic" || loss == "smooth_hinge" ? 2 : loss == "cross_entropy" ? 4 : 0;
}

}  // namespace talweg::test
