// SPDX-License-Identifier: Apache-2.0
// Which requests have dropout: the steps' minibatches and nothing else; and both points of a difference the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/build.hpp"
#include "tests/engine/least_squares.hpp"

namespace talweg::test {
namespace {

using engine::Asker;
using optim::Vector;

const Vector kX{0}, kOut{1};

/// A network of 5-12-1 units at some point, with this chance that a unit is left out.
struct Dropping {
  explicit Dropping(double dropout, std::uint64_t seed = 3) : problem(least_squares<float>(400, 5, 0)), threads(2) {
    problem.objective = model::build_objective<float>({.kind = "mlp",
                                                       .hidden = {12},
                                                       .activation = "tanh",
                                                       .loss = "squared",
                                                       .classes = false,
                                                       .dropout = dropout > 0 ? std::vector{dropout} : std::vector<double>{}},
                                                      problem.train.shape());
    problem.regularizer = model::Regularizer({}, problem.objective->layout());
    made =
        std::make_unique<engine::Engine<float>>(*comm, threads, problem, engine::EngineOptions{.seed = seed, .batch = 96}, 2);
    model::fill_initial<float>({.kind = "glorot", .path = {}}, problem.objective->layout(), 1, threads,
                               made->store().values(kX));
  }
  std::vector<float> gradient(const std::vector<optim::Term>& terms, const optim::Batch& batch) {
    made->oracle(Asker::method).gradient_into({.terms = terms, .shifts = {}, .batch = batch}, kOut);
    const auto out = made->store().values(kOut);
    return {out.begin(), out.end()};
  }
  optim::Batch draw(std::uint64_t ticket) { return made->oracle(Asker::method).draw(ticket); }
  optim::Batch all() { return made->oracle(Asker::method).all(); }

  std::unique_ptr<comm::Communicator> comm = comm::alone();
  engine::LocalSum<float> problem;
  math::Threads threads;
  std::unique_ptr<engine::Engine<float>> made;
};

TEST(DropoutRequests, AreThoseOfMinibatches) {
  Dropping with(0.4), without(0), other(0.4, 4);
  const auto dropped = with.gradient({{1, kX}}, with.draw(2));
  EXPECT_NE(dropped, without.gradient({{1, kX}}, without.draw(2)));
  EXPECT_EQ(dropped, with.gradient({{1, kX}}, with.draw(2))) << "a minibatch has one mask";
  EXPECT_NE(dropped, other.gradient({{1, kX}}, other.draw(2))) << "another seed has another";
  EXPECT_EQ(with.gradient({{1, kX}}, with.all()), without.gradient({{1, kX}}, without.all()));
  EXPECT_EQ(with.made->evaluate(kX, engine::Part::train).sums.loss, without.made->evaluate(kX, engine::Part::train).sums.loss);
}

TEST(DropoutRequests, BothPointsOfADifferenceLoseTheSameUnits) {
  Dropping with(0.4);
  for (const float v : with.gradient({{1, kX}, {-1, kX}}, with.draw(5))) ASSERT_NEAR(v, 0, 1e-6);  // rounding alone is left
  const auto whole = with.gradient({{1, kX}}, with.draw(5));
  EXPECT_GT(*std::ranges::max_element(whole), 0.05F);
}

}  // namespace
}  // namespace talweg::test
