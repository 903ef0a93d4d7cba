// SPDX-License-Identifier: Apache-2.0
// Files are read twice, record by record (three times when a transform needs statistics): first for counts, features and
// labels, then for the rows that this rank owns. So no rank ever holds more than its share.
#include "data/load.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/fingerprint.hpp"
#include "data/format.hpp"
#include "data/labels.hpp"
#include "data/transform.hpp"
#include "talweg/error.hpp"

namespace talweg::data {
namespace {

using base::ExitCode;

template <class Real>
constexpr double kLargest = static_cast<double>(std::numeric_limits<Real>::max());

enum class PartOf : std::uint64_t { train = 0, valid = 1, test = 2 };  // streams of the split permutation: never renumber

/// The result of one pass over a file.
struct Scan {
  std::uint64_t count = 0;
  std::size_t features = 0;
  bool sparse = false;
  LabelSet labels;
};

Scan scan(const Source& source, bool with_labels) {
  const auto reader = find_format(source.format).open(source);
  Scan result{.sparse = reader->sparse(), .labels = {}};
  for (Record record; reader->next(record); ++result.count) {
    if (with_labels) result.labels.add(record.label);
  }
  result.features = reader->features();
  if (result.count == 0) base::fail(ExitCode::bad_data, "{}: found no records, expected at least one", source.path.string());
  if (result.features == 0)
    base::fail(ExitCode::bad_data, "{}: found no features, expected at least one", source.path.string());
  return result;
}

/// Maps the records of one file to positions, p = pi(record). The first `train` positions are one part, the rest is the
/// holdout.
struct Split {
  base::Permutation permutation;
  std::uint64_t train = 0;
};

/// Fills one rank's share of one part; positions may come in any order.
template <class Real>
class Filler {
 public:
  Filler(const Shape& shape, const Transform& transform, int rank, int ranks) : transform_(transform) {
    const ShardPlan plan(shape.count);
    const ShardPlan::Owned owned = plan.owned(rank, ranks);
    first_ = plan.begin(owned.first);
    last_ = plan.begin(owned.last);
    data_ = Dataset<Real>(shape, plan, owned);
    const std::size_t rows = last_ - first_;
    data_.targets.resize(rows);
    data_.records.resize(rows);
    if (shape.sparse) {
      begin_.resize(rows);
      length_.resize(rows);
    } else {
      data_.dense.resize(rows * shape.features);
    }
  }
  void add(std::uint64_t position, std::uint64_t record_number, const Record& record, double target) {
    if (position < first_ || position >= last_) return;
    const std::size_t row = position - first_;
    data_.targets[row] = static_cast<Real>(target);
    data_.records[row] = record_number;
    if (!data_.shape().sparse) {
      Real* out = data_.dense.data() + row * data_.shape().features;
      for (std::size_t j = 0; j < record.dense.size(); ++j)
        out[j] = static_cast<Real>(transformed(transform_, j, record.dense[j]));
      return;
    }
    begin_[row] = columns_.size();
    length_[row] = record.columns.size();
    for (std::size_t k = 0; k < record.columns.size(); ++k) {
      columns_.push_back(record.columns[k]);
      values_.push_back(
          static_cast<Real>(transformed(transform_, static_cast<std::size_t>(record.columns[k]), record.values[k])));
    }
  }
  /// Sparse rows were read in the order of the file; here they are put in the order of positions.
  Dataset<Real> finish() {
    if (!data_.shape().sparse) return std::move(data_);
    data_.row_begin.reserve(begin_.size() + 1);
    data_.row_begin.push_back(0);
    data_.column.reserve(columns_.size());
    data_.value.reserve(values_.size());
    for (std::size_t row = 0; row < begin_.size(); ++row) {
      const auto from = static_cast<std::ptrdiff_t>(begin_[row]);
      const auto count = static_cast<std::ptrdiff_t>(length_[row]);
      data_.column.insert(data_.column.end(), columns_.begin() + from, columns_.begin() + from + count);
      data_.value.insert(data_.value.end(), values_.begin() + from, values_.begin() + from + count);
      data_.row_begin.push_back(data_.column.size());
    }
    return std::move(data_);
  }

 private:
  const Transform& transform_;
  Dataset<Real> data_;
  std::uint64_t first_ = 0;  // positions [first_, last_) are ours
  std::uint64_t last_ = 0;
  std::vector<std::size_t> begin_;
  std::vector<std::size_t> length_;
  std::vector<std::int32_t> columns_;
  std::vector<Real> values_;
};

/// Reads a file again with what is now known, as its number of records `count`, and checks every record against it. `largest`:
/// the largest number of the run's precision.
class Pass {
 public:
  Pass(const Source& source, std::uint64_t count, TargetKind kind, Labels labels, std::size_t features,
       const std::vector<std::string>& classes, double largest)
      : source_(source),
        count_(count),
        kind_(kind),
        labels_(labels),
        features_(features),
        names_(classes),
        classes_(classes),
        largest_(largest),
        reader_(find_format(source.format).open(source)) {}

  /// Calls visit(record number, record, target) for each record.
  template <class Visit>
  void run(Visit visit) {
    Record record;
    std::uint64_t i = 0;
    for (; reader_->next(record); ++i) {
      if (i == count_) refuse("one record more than when it was first read", "a file that nobody writes to");
      check(record);
      visit(i, record, labels_ == Labels::ignored ? 0.0 : target(record.label));
    }
    if (i < count_) {
      base::fail(ExitCode::bad_data, "{}: found {} records, expected {} as when it was first read", source_.path.string(), i,
                 count_);
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
    base::fail(ExitCode::bad_data, "{}: {}: found {}, expected {}", source_.path.string(), reader_->position(), found,
               expected);
  }
  void check(const Record& record) const {
    const std::span<const double> values = reader_->sparse() ? record.values : record.dense;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (std::abs(values[k]) <= largest_) continue;  // false for NaN
      const std::size_t feature = reader_->sparse() ? static_cast<std::size_t>(record.columns[k]) : k;
      refuse(fmt::format("{} as feature {}", values[k], feature),
             std::isfinite(values[k])
                 ? fmt::format("at most {:.3g} in absolute value, the largest number of this precision", largest_)
                 : "finite numbers");
    }
    if (!reader_->sparse() && record.dense.size() != features_) {
      refuse(fmt::format("{} features", record.dense.size()), fmt::format("{}, as in the training data", features_));
    }
    if (!record.columns.empty() && static_cast<std::size_t>(record.columns.back()) >= features_) {
      refuse(fmt::format("index {}", record.columns.back() + 1),
             fmt::format("at most {}, the largest of the training data", features_));
    }
  }
  double target(std::string_view label) const {
    double number = 0;
    const bool numeric = to_number(label, number);
    if (label.empty() || (numeric && !(std::abs(number) <= largest_))) {
      refuse(fmt::format("{} \"{}\"", kind_ == TargetKind::classes ? "label" : "target", label),
             numeric ? "a finite number" : "something");
    }
    if (kind_ == TargetKind::classes) {
      const auto found = classes_.find(label);
      if (!found) {
        const std::size_t shown = std::min<std::size_t>(names_.size(), 12);
        refuse(fmt::format("label \"{}\"", label),
               fmt::format("one of the {} classes of the training data: {}{}", names_.size(),
                           fmt::join(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                           shown < names_.size() ? ", ..." : ""));
      }
      return static_cast<double>(*found);
    }
    if (!numeric) refuse(fmt::format("target \"{}\"", label), "a finite number");
    return number;
  }

  const Source& source_;
  std::uint64_t count_;
  TargetKind kind_;
  Labels labels_;
  std::size_t features_;
  const std::vector<std::string>& names_;
  Classes classes_;
  double largest_;
  std::unique_ptr<Reader> reader_;
};

Transform statistics(const DataConfig& config, TargetKind targets, const Shape& shape, const Split& split, double largest) {
  if (shape.sparse && (config.transform == "minmax" || config.transform == "standardize")) {
    base::fail(
        ExitCode::bad_config,
        "data.transform: found \"{}\" with sparse data ({}), expected none or divide:<number>: a shift would fill the zeros",
        config.transform, config.train.path.string());
  }
  Statistics collected(config.transform, shape.features);
  if (config.transform == "minmax" || config.transform == "standardize") {
    Pass pass(config.train, shape.count, targets, Labels::required, shape.features, shape.classes, largest);
    pass.run([&](std::uint64_t i, const Record& record, double) {
      if (split.permutation(i) < split.train) collected.add(record.dense);
    });
  }
  return collected.finish();
}

template <class Real>
Dataset<Real> load_part(const Source& source, PartOf part, TargetKind targets, const Shape& like, const Transform& transform,
                        std::uint64_t split_seed, int rank, int ranks, Fingerprint& fingerprint) {
  const Scan found = scan(source, false);
  if (found.sparse != like.sparse) {
    base::fail(ExitCode::bad_data, "{}: found {} records, expected {} ones as in the training data", source.path.string(),
               found.sparse ? "sparse" : "dense", like.sparse ? "sparse" : "dense");
  }
  Shape shape = like;
  shape.count = found.count;
  const base::Permutation permutation(found.count, split_seed, base::Purpose::split, static_cast<std::uint64_t>(part));
  Filler<Real> filler(shape, transform, rank, ranks);
  Pass pass(source, found.count, targets, Labels::required, shape.features, shape.classes, kLargest<Real>);
  pass.run([&](std::uint64_t i, const Record& record, double target) {
    fingerprint.add(record);
    filler.add(permutation(i), i, record, target);
  });
  return filler.finish();
}

}  // namespace

template <class Real>
Parts<Real> load(const DataConfig& config, TargetKind targets, int rank, int ranks, const base::Log& log) {
  const Scan found = scan(config.train, targets == TargetKind::classes);
  Shape shape{.count = found.count, .features = found.features, .sparse = found.sparse, .classes = {}};
  if (targets == TargetKind::classes) {
    shape.classes = found.labels.classes();
    if (const auto odd = found.labels.fraction()) {
      base::fail(
          ExitCode::bad_data,
          "{}: label {}: found a number that is no integer, expected classes; are the labels elsewhere (labels, label_column)? "
          "For numeric targets use loss = \"squared\" or \"huber\"",
          config.train.path.string(), *odd);
    }
  }
  std::uint64_t held_out = 0;
  if (config.holdout > 0) {
    held_out = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(config.holdout * static_cast<double>(found.count)));
    if (held_out >= found.count) {
      base::fail(ExitCode::bad_data, "{}: data.holdout takes all {} records, expected some left to train on",
                 config.train.path.string(), found.count);
    }
  }
  Split split{.permutation = base::Permutation(found.count, config.split_seed, base::Purpose::split,
                                               static_cast<std::uint64_t>(PartOf::train)),
              .train = found.count - held_out};
  Parts<Real> parts;
  parts.transform = statistics(config, targets, shape, split, kLargest<Real>);
  Fingerprint fingerprint;
  Shape train = shape;
  train.count = split.train;
  Shape valid = shape;
  valid.count = held_out;
  Filler<Real> train_rows(train, parts.transform, rank, ranks);
  std::optional<Filler<Real>> valid_rows;
  if (held_out > 0) valid_rows.emplace(valid, parts.transform, rank, ranks);
  Pass pass(config.train, found.count, targets, Labels::required, shape.features, shape.classes, kLargest<Real>);
  pass.run([&](std::uint64_t i, const Record& record, double target) {
    fingerprint.add(record);
    const std::uint64_t position = split.permutation(i);
    if (position < split.train) {
      train_rows.add(position, i, record, target);
    } else {
      valid_rows->add(position - split.train, i, record, target);
    }
  });
  parts.train = train_rows.finish();
  if (valid_rows) parts.valid = valid_rows->finish();
  if (config.valid) {
    parts.valid = load_part<Real>(*config.valid, PartOf::valid, targets, shape, parts.transform, config.split_seed, rank, ranks,
                                  fingerprint);
  }
  if (config.test)
    parts.test = load_part<Real>(*config.test, PartOf::test, targets, shape, parts.transform, config.split_seed, rank, ranks,
                                 fingerprint);
  parts.fingerprint = fingerprint.hex();
  if (targets == TargetKind::classes && shape.classes.size() > 1000) {
    log.warn(
        fmt::format("{}: {} different labels are taken as classes; for numeric targets use loss = \"squared\" or \"huber\"",
                    config.train.path.string(), shape.classes.size()));
  }
  return parts;
}

template <class Real>
Dataset<Real> load_with(const Source& source, TargetKind targets, const Fixed& fixed, int rank, int ranks, Labels labels) {
  Source used = source;
  if (labels == Labels::ignored) {
    Source unlabelled = source;
    unlabelled.label_column = "none";
    const auto reader = find_format(source.format).open(unlabelled);
    if (!reader->sparse() && reader->features() == fixed.features) used = unlabelled;  // the file has no label column to skip
  }
  const Scan found = scan(used, false);
  const Shape shape{.count = found.count, .features = fixed.features, .sparse = found.sparse, .classes = fixed.classes};
  if (found.sparse && !fixed.transform.shift.empty()) {
    base::fail(ExitCode::bad_data,
               "{}: found sparse records, expected dense ones: the model's transform \"{}\" shifts features",
               used.path.string(), fixed.transform.kind);
  }
  Filler<Real> filler(shape, fixed.transform, rank, ranks);
  Pass pass(used, found.count, targets, labels, shape.features, shape.classes, kLargest<Real>);
  pass.run([&](std::uint64_t i, const Record& record, double target) { filler.add(i, i, record, target); });
  return filler.finish();
}

template <class Real>
Dataset<Real> in_memory(Shape shape, std::span<const Real> rows, std::span<const Real> targets, int rank, int ranks,
                        std::uint64_t split_seed) {
  const base::Permutation permutation(shape.count, split_seed, base::Purpose::split, static_cast<std::uint64_t>(PartOf::train));
  const Transform none;
  const std::size_t features = shape.features;
  const std::uint64_t count = shape.count;
  Filler<Real> filler(std::move(shape), none, rank, ranks);
  std::vector<double> row(features);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * features), features, row.begin());
    filler.add(permutation(i), i, {.dense = row, .columns = {}, .values = {}, .label = {}}, static_cast<double>(targets[i]));
  }
  return filler.finish();
}

#define TALWEG_LOAD(Real)                                                                            \
  template Parts<Real> load<Real>(const DataConfig&, TargetKind, int, int, const base::Log&);        \
  template Dataset<Real> load_with<Real>(const Source&, TargetKind, const Fixed&, int, int, Labels); \
  template Dataset<Real> in_memory<Real>(Shape, std::span<const Real>, std::span<const Real>, int, int, std::uint64_t);
TALWEG_LOAD(float)
TALWEG_LOAD(double)
#undef TALWEG_LOAD

}  // namespace talweg::data
