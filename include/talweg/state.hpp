// SPDX-License-Identifier: Apache-2.0
// Everything that must outlive a step, declared once by name. A slot is
//   a vector   shaped like the parameters, in the run's precision; a method sees only its handle, the engine owns the numbers
//   a scalar   double
//   a counter  int64
//   an array   doubles of fixed length (small tables: curvature products, grids)
//   a per-example slot   so many numbers for every example, held by the rank that holds the example (SAGA's table)
// Checkpoint, resume, memory report and broadcast read the declarations, so nothing that is declared can be forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::math {

enum class Precision { float32, float64 };

/// Handle of a declared (or temporary) vector. The engine decides where its numbers are.
struct Vector {
  std::uint32_t slot = 0;
  friend auto operator<=>(const Vector&, const Vector&) = default;
};

/// Handle of a declared per-example slot. The objective decides how many numbers it has per example.
struct PerExample {
  std::uint32_t slot = 0;
};

/// The elements of a vector slot before the first step.
struct Initial {
  double value = 0;
  bool point = false;                            // the initial point x_0 instead
  constexpr Initial(double v = 0) : value(v) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] static constexpr Initial x0() {
    Initial initial;
    initial.point = true;
    return initial;
  }
};

class StateLayout {
 public:
  struct Scalar {
    std::string name;
    double initial;
  };
  struct Counter {
    std::string name;
    std::int64_t initial;
  };
  struct Array {
    std::string name;
    std::size_t size;
    double initial;
  };

  /// Each throws std::logic_error when the name is taken.
  Vector vector(std::string name, Initial initial = {});
  void scalar(std::string name, double initial = 0);
  void counter(std::string name, std::int64_t initial = 0);
  void array(std::string name, std::size_t size, double initial = 0);
  void per_example(std::string name);

  [[nodiscard]] std::span<const std::string> vectors() const { return vectors_; }
  [[nodiscard]] Initial initial(Vector v) const { return initials_.at(v.slot); }
  [[nodiscard]] std::span<const Scalar> scalars() const { return scalars_; }
  [[nodiscard]] std::span<const Counter> counters() const { return counters_; }
  [[nodiscard]] std::span<const Array> arrays() const { return arrays_; }
  [[nodiscard]] std::span<const std::string> per_example() const { return per_example_; }

 private:
  void claim(const std::string& name);
  std::vector<std::string> names_;
  std::vector<std::string> vectors_;
  std::vector<Initial> initials_;
  std::vector<Scalar> scalars_;
  std::vector<Counter> counters_;
  std::vector<Array> arrays_;
  std::vector<std::string> per_example_;
};

/// Values of all small slots, in the order of their declaration.
struct Numbers {
  std::vector<double> scalars;
  std::vector<std::int64_t> counters;
  std::vector<std::vector<double>> arrays;
};

/// Values of the small slots, and the handles of the others. Unknown names throw std::logic_error.
class State {
 public:
  explicit State(StateLayout layout);
  [[nodiscard]] const StateLayout& layout() const { return layout_; }
  [[nodiscard]] Vector vector(std::string_view name) const;
  [[nodiscard]] PerExample per_example(std::string_view name) const;
  [[nodiscard]] double& scalar(std::string_view name);
  [[nodiscard]] std::int64_t& counter(std::string_view name);
  [[nodiscard]] std::span<double> array(std::string_view name);
  /// A copy of all numbers, which set() restores. Arrays whose names begin with `except` (not empty) are neither copied nor
  /// restored.
  [[nodiscard]] Numbers numbers(std::string_view except = {}) const;
  void set(const Numbers&);

 private:
  StateLayout layout_;
  std::deque<double> scalars_;
  std::deque<std::int64_t> counters_;
  std::deque<std::vector<double>> arrays_;
};

}  // namespace talweg::math
