// SPDX-License-Identifier: Apache-2.0
// [data] of a config -> this rank's parts. Every rank reads the files and keeps only the shards it owns.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "talweg/config.hpp"
#include "talweg/log.hpp"

namespace talweg::data {

/// Affine map of each feature, x -> (x - shift) * scale, with statistics of the training part. It is stored with the model.
struct Transform {
  std::string kind = "none";  // none | minmax | standardize | divide
  std::vector<double> shift;  // [features]; empty: 0
  std::vector<double> scale;  // [features]; empty: 1
};

/// One file (or pair of files) with examples.
struct Source {
  std::filesystem::path path;
  std::string format;                 // idx | libsvm | csv | npy | ...: a registry name
  std::filesystem::path labels;       // idx, npy: the labels' file
  std::string label_column = "last";  // csv, npy: first | last | header name (csv) | 0-based index | none
};

/// [data], parsed and checked; nothing read yet.
struct DataConfig {
  Source train;
  std::optional<Source> valid;
  std::optional<Source> test;
  double holdout = 0;  // fraction of train that becomes valid
  std::uint64_t split_seed = 1;
  std::string transform = "none";  // none | minmax | standardize | divide:<number>
};
DataConfig parse_data(const base::Section& data);
/// A source given on the command line (evaluate --data, predict --data). Format and label column are those of `like`, unless
/// the name suggests another format. Without `labels`, the labels' file is the one next to it that is named after the pattern
/// of `like`.
Source source_from_path(const std::filesystem::path& path, const Source& like, const std::filesystem::path& labels = {});

/// Targets: classes (labels are mapped to 0..k-1 in sorted order and named) or numbers.
enum class TargetKind { classes, numbers };

template <class Real>
struct Parts {
  Dataset<Real> train;
  std::optional<Dataset<Real>> valid;
  std::optional<Dataset<Real>> test;
  Transform transform;
  std::string fingerprint;  // XXH3-128 of the decoded records of all parts, hex
};

/// Reads, splits, transforms. `fixed` (classes, features, transform of a stored model) overrules what the file would give:
/// a label or a feature outside it is an error. Throws Error(input_missing | bad_data | permission) naming file, record or
/// line, what was found and what was expected. Identical on every rank except for which rows are kept: statistics are
/// computed by every rank over the whole training part.
struct Fixed {
  std::size_t features = 0;
  std::vector<std::string> classes;
  Transform transform;
};
template <class Real>
Parts<Real> load(const DataConfig& config, TargetKind targets, int rank, int ranks, const base::Log& log);
/// One source with a stored model's view of the data. `ignored`: the file need not have labels (to predict); targets are then
/// 0.
enum class Labels { required, ignored };
template <class Real>
Dataset<Real> load_with(const Source& source, TargetKind targets, const Fixed& fixed, int rank, int ranks,
                        Labels labels = Labels::required);

/// Rows given by the caller (embedding, tests): dense [count, features] row-major.
template <class Real>
Dataset<Real> in_memory(Shape shape, std::span<const Real> rows, std::span<const Real> targets, int rank, int ranks,
                        std::uint64_t split_seed = 1);

/// The fingerprint that load() would compute for such rows: dense [count, features] row-major, one target each.
std::string fingerprint(std::size_t features, std::span<const double> rows, std::span<const double> targets);

/// Names of the known formats, for help and errors.
std::vector<std::string> format_names();

}  // namespace talweg::data
