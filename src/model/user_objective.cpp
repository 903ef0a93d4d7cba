// SPDX-License-Identifier: Apache-2.0
#include "model/user_objective.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include "talweg/error.hpp"

namespace talweg::model {
namespace {

/// Calls the user's code for example `i` through `ask`. Exceptions are rethrown with the record's number.
template <class Ask>
auto of_user(std::uint64_t record, Ask ask) {
  try {
    return ask();
  } catch (const base::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    base::fail(base::ExitCode::bad_data, "record {}: the objective threw: {}", record, e.what());
  }
}

}  // namespace

void UserTerms::hessian_vector(std::span<const double>, std::span<const double>, const UserExample&, std::span<double>) const {
  throw std::logic_error("has_hessian_vector() is true, but hessian_vector() is not written");
}

double UserTerms::predict(std::span<const double>, const UserExample&) const {
  return std::numeric_limits<double>::quiet_NaN();
}

template <class Real>
struct UserObjective<Real>::UserTape final : public Tape<Real> {
  const data::Examples<Real>* examples = nullptr;
  std::vector<double> x, v, start, gradient, product, features;

  /// Example i in double; a sparse one is made dense.
  UserExample example(std::size_t i) {
    const data::Examples<Real>& e = *examples;
    features.assign(e.features, 0);
    if (e.is_sparse()) {
      for (std::size_t k = 0; k < e.sparse[i].count; ++k)
        features[static_cast<std::size_t>(e.sparse[i].column[k])] = static_cast<double>(e.sparse[i].value[k]);
    } else {
      std::copy_n(e.dense + i * e.features, e.features, features.begin());
    }
    return {.features = features, .target = static_cast<double>(e.targets[i]), .record = e.records[i]};
  }
};

template <class Real>
UserObjective<Real>::UserObjective(std::shared_ptr<const UserTerms> terms) : terms_(std::move(terms)) {
  if (terms_->tensors().empty())
    base::fail(base::ExitCode::bad_config, "{}: found no parameter tensors, expected one at least", terms_->describe());
  for (const UserTensor& tensor : terms_->tensors()) {
    begin_.push_back(layout_.parameters());
    layout_.add(tensor.name, tensor.shape, tensor.bias);
  }
}

template <class Real>
std::unique_ptr<Tape<Real>> UserObjective<Real>::make_tape() const {
  return std::make_unique<UserTape>();
}

template <class Real>
void UserObjective<Real>::unpack(std::span<const Real> from, std::vector<double>& to) const {
  to.resize(layout_.parameters());
  for (std::size_t k = 0; k < begin_.size(); ++k) {
    const math::Tensor& t = layout_.tensors()[k];
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(t.offset), t.size,
                to.begin() + static_cast<std::ptrdiff_t>(begin_[k]));
  }
}

template <class Real>
void UserObjective<Real>::add(std::span<const LeafTapes<Real>> leaves, std::vector<double> UserTape::*sums,
                              const math::Tile& tile, math::TileSum<Real>& sum) const {
  const std::size_t from = begin_[tile.tensor] + tile.offset - layout_.tensors()[tile.tensor].offset;
  sum.add_each(leaves.size(), [&](std::size_t leaf, std::span<Real> share) {
    for (std::size_t j = 0; j < share.size(); ++j) {
      double total = 0;
      for (const auto& tape : leaves[leaf]) total += (static_cast<const UserTape&>(*tape).*sums)[from + j];
      share[j] = static_cast<Real>(total);
    }
  });
}

template <class Real>
double UserObjective<Real>::forward_backward(Point<Real> point, const data::Examples<Real>& examples, Real weight,
                                             Tape<Real>& opaque) const {
  auto& tape = static_cast<UserTape&>(opaque);
  tape.examples = &examples;
  unpack(point.x, tape.x);
  tape.gradient.assign(layout_.parameters(), 0);
  double sum = 0;
  for (std::size_t i = 0; i < examples.count; ++i) {
    sum += of_user(examples.records[i], [&] { return terms_->value_and_gradient(tape.x, tape.example(i), tape.gradient); });
  }
  for (double& g : tape.gradient) g *= static_cast<double>(weight);
  return sum;
}

template <class Real>
void UserObjective<Real>::tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile,
                               math::TileSum<Real>& sum) const {
  add(leaves, &UserTape::gradient, tile, sum);
}

template <class Real>
void UserObjective<Real>::tangent(Point<Real> point, Point<Real> direction, Tape<Real>& opaque) const {
  auto& tape = static_cast<UserTape&>(opaque);
  unpack(point.x, tape.x);
  unpack(direction.x, tape.v);
  tape.product.assign(layout_.parameters(), 0);
  for (std::size_t i = 0; i < tape.examples->count; ++i) {
    of_user(tape.examples->records[i], [&] { terms_->hessian_vector(tape.x, tape.v, tape.example(i), tape.product); });
  }
}

template <class Real>
void UserObjective<Real>::tangent_tile(std::span<const LeafTapes<Real>> leaves, const math::Tile& tile,
                                       math::TileSum<Real>& sum) const {
  add(leaves, &UserTape::product, tile, sum);
}

template <class Real>
Evaluation UserObjective<Real>::evaluate(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque) const {
  auto& tape = static_cast<UserTape&>(opaque);
  Evaluation e;
  e.loss = forward_backward(point, examples, Real{1}, tape);
  for (std::size_t i = 0; i < examples.count; ++i) {
    const UserExample example = tape.example(i);
    const double error = of_user(example.record, [&] { return terms_->predict(tape.x, example); }) - example.target;
    e.squared_error += error * error;
    e.target += example.target;
    e.target_squared += example.target * example.target;
  }
  return e;
}

template <class Real>
void UserObjective<Real>::along(Point<Real> point, Point<Real> direction, std::span<const double> lengths,
                                const data::Examples<Real>& examples, Tape<Real>& opaque, std::span<ValueAndSlope> out) const {
  auto& tape = static_cast<UserTape&>(opaque);
  tape.examples = &examples;
  unpack(point.x, tape.start);
  unpack(direction.x, tape.v);
  tape.x.resize(tape.start.size());
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    for (std::size_t j = 0; j < tape.start.size(); ++j) tape.x[j] = tape.start[j] + lengths[k] * tape.v[j];
    tape.gradient.assign(tape.start.size(), 0);
    out[k] = {};
    for (std::size_t i = 0; i < examples.count; ++i) {
      out[k].value +=
          of_user(examples.records[i], [&] { return terms_->value_and_gradient(tape.x, tape.example(i), tape.gradient); });
    }
    for (std::size_t j = 0; j < tape.start.size(); ++j) out[k].slope += tape.gradient[j] * tape.v[j];
  }
}

template <class Real>
void UserObjective<Real>::predict(Point<Real> point, const data::Examples<Real>& examples, Tape<Real>& opaque,
                                  std::span<Real> out) const {
  auto& tape = static_cast<UserTape&>(opaque);
  tape.examples = &examples;
  unpack(point.x, tape.x);
  for (std::size_t i = 0; i < examples.count; ++i) {
    out[i] = static_cast<Real>(of_user(examples.records[i], [&] { return terms_->predict(tape.x, tape.example(i)); }));
  }
}

template class UserObjective<float>;
template class UserObjective<double>;

}  // namespace talweg::model
