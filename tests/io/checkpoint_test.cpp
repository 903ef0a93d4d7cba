// SPDX-License-Identifier: Apache-2.0
// Checkpoints: round trips, and damaged files that are never loaded.
#include "io/checkpoint.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "src/io/atomic_file.hpp"
#include "src/io/checkpoint_file.hpp"
#include "src/io/seal.hpp"
#include "tests/io/checkpoint_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

void expect_same(const std::vector<StoredTensor>& a, const std::vector<StoredTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].shape, b[i].shape);
    ASSERT_EQ(a[i].values.index(), b[i].values.index()) << a[i].name;
    std::visit(
        [&](const auto& values) {
          const auto& other = std::get<std::decay_t<decltype(values)>>(b[i].values);
          ASSERT_EQ(values.size(), other.size());
          EXPECT_EQ(std::memcmp(values.data(), other.data(), values.size() * sizeof(values[0])), 0) << a[i].name;
        },
        a[i].values);
  }
}

/// Recomputes the seal of changed bytes.
void reseal(std::vector<std::byte>& bytes) {
  const std::uint64_t own = XXH3_64bits(bytes.data(), kSealBytes - 8);
  std::memcpy(bytes.data() + kSealBytes - 8, &own, sizeof(own));
}

/// Saves the checkpoint in the folder, under the name of its step.
std::filesystem::path save(const std::filesystem::path& directory, const Checkpoint& checkpoint) {
  return CheckpointStore(directory).save(checkpoint);
}

using Checkpoints = Scratch;

TEST_F(Checkpoints, RoundTrip) {
  const Checkpoint c = sample();
  const auto file = save(directory_, c);
  EXPECT_EQ(file.filename(), "step-000001200.h5");
  const Checkpoint d = load(file);
  EXPECT_EQ(d.step, c.step);
  EXPECT_EQ(d.counters, c.counters);
  EXPECT_EQ(d.scalars, c.scalars);
  EXPECT_EQ(d.arrays, c.arrays);
  expect_same(d.parameters, c.parameters);
  ASSERT_EQ(d.state.size(), 2u);
  expect_same(d.state.at("m"), c.state.at("m"));
  expect_same(d.state.at("v"), c.state.at("v"));
  EXPECT_EQ(d.transform.kind, c.transform.kind);
  EXPECT_EQ(d.transform.shift, c.transform.shift);
  EXPECT_EQ(d.transform.scale, c.transform.scale);
  EXPECT_EQ(d.features, c.features);
  EXPECT_EQ(d.classes, c.classes);
  EXPECT_EQ(d.config, c.config);
  EXPECT_EQ(d.fingerprint, c.fingerprint);
  EXPECT_EQ(d.model, c.model);
  EXPECT_EQ(d.attributes, c.attributes);
}

TEST_F(Checkpoints, AnEmptyOneRoundTrips) {
  save_as(directory_ / "empty.h5", {});
  const Checkpoint d = load(directory_ / "empty.h5");
  EXPECT_EQ(d.step, 0);
  EXPECT_TRUE(d.parameters.empty() && d.state.empty() && d.classes.empty() && d.config.empty());
}

TEST_F(Checkpoints, SameStateIsSameBytes) {
  save_as(directory_ / "a.h5", sample());
  save_as(directory_ / "b.h5", sample());
  EXPECT_EQ(bytes_of(directory_ / "a.h5"), bytes_of(directory_ / "b.h5"));
}

TEST_F(Checkpoints, NoFlippedByteIsEverLoaded) {
  const auto file = save(directory_, sample());
  const auto good = bytes_of(file);
  std::mt19937_64 random(1);  // tests may use any randomness
  for (std::size_t at = 0; at < good.size(); at += at < 1100 ? 1 : 61) {
    auto bad = good;
    bad[at] ^= static_cast<std::byte>(1u << (random() % 8));
    put_file(file, bad);
    try {
      load(file);
      FAIL() << "byte " << at << " of " << good.size();
    } catch (const Damaged& e) {
      ASSERT_EQ(e.code(), ExitCode::bad_data);
      ASSERT_NE(std::string(e.what()).find(file.string()), std::string::npos);
    }
  }
  put_file(file, good);
  EXPECT_EQ(load(file).step, 1200);
}

TEST_F(Checkpoints, NoTruncationIsEverLoaded) {
  const auto file = save(directory_, sample());
  const auto good = bytes_of(file);
  for (std::size_t length = 0; length < good.size(); length += length < 600 ? 7 : 499) {
    put_file(file, std::span(good).first(length));
    expect_error(ExitCode::bad_data, {file.string(), "truncated", "found " + std::to_string(length) + " bytes", "expected"},
                 [&] { return load(file); });
  }
}

TEST_F(Checkpoints, SwappedPagesZeroedPagesAndTailsAreNeverLoaded) {
  const auto file = save(directory_, sample());
  const auto good = bytes_of(file);
  constexpr std::ptrdiff_t kPage = 512;
  auto swapped = good;
  std::swap_ranges(swapped.begin() + kPage, swapped.begin() + 2 * kPage, swapped.begin() + 3 * kPage);
  ASSERT_NE(swapped, good);
  put_file(file, swapped);
  expect_error(ExitCode::bad_data, {file.string(), "damaged: found hash", "expected"}, [&] { return load(file); });
  auto zeroed = good;
  std::fill(zeroed.end() - kPage, zeroed.end(), std::byte{0});
  ASSERT_NE(zeroed, good);
  put_file(file, zeroed);
  expect_error(ExitCode::bad_data, {"damaged: found hash"}, [&] { return load(file); });
  auto longer = good;
  longer.push_back(std::byte{0});
  put_file(file, longer);
  expect_error(ExitCode::bad_data,
               {"too long: found " + std::to_string(longer.size()) + " bytes, expected " + std::to_string(good.size())},
               [&] { return load(file); });
}

TEST_F(Checkpoints, OtherFilesAreNamedAsWhatTheyAre) {
  const auto file = directory_ / "other.h5";
  expect_error(ExitCode::input_missing, {file.string(), "No such file"}, [&] { return load(file); });
  put_file(file, std::vector<std::byte>(2000, std::byte{0x41}));
  expect_error(ExitCode::bad_data,
               {file.string(), "no checkpoint: found 4141414141414141", "expected 54414c5745473031 (TALWEG01)"},
               [&] { return load(file); });
  save_as(file, sample());
  auto bytes = bytes_of(file);
  bytes[100] = std::byte{1};  // reserved
  put_file(file, bytes);
  expect_error(ExitCode::bad_data, {"damaged in its first 512 bytes"}, [&] { return load(file); });
}

TEST_F(Checkpoints, NewerFormatsAreRefusedAndNotPassedOver) {
  save(directory_, sample(1));
  const auto file = save(directory_, sample(2));
  auto bytes = bytes_of(file);
  bytes[8] = std::byte{2};
  reseal(bytes);
  put_file(file, bytes);
  expect_error(ExitCode::bad_data, {file.string(), "found checkpoint format 2, expected 1 or older"},
               [&] { return load(file); });
  expect_error(ExitCode::bad_data, {file.string(), "newer talweg"}, [&] { return newest_intact(directory_, warning_log()); });
  expect_error(ExitCode::bad_data, {file.string(), "newer talweg"}, [&] { CheckpointStore(directory_).rotate(1, 2); });
}

TEST_F(Checkpoints, MissingPartsAreNamed) {
  // A file with a good seal around the wrong content: made by HDF5's own tools.
  const auto file = save(directory_, sample());
  for (const char* part : {"counters", "config", "parameters"}) {
    save_as(file, sample());
    const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(opened, 0);
    H5Ldelete(opened, part, H5P_DEFAULT);
    H5Fclose(opened);
    expect_error(ExitCode::bad_data, {file.string(), "found"}, [&] { return load(file); });  // changed by another program
    const int descriptor = ::open(file.c_str(), O_RDWR);
    seal(descriptor, file.string());
    ::close(descriptor);
    expect_error(ExitCode::bad_data, {file.string(), std::string("/") + part + " is missing"}, [&] { return load(file); });
  }
}

TEST_F(Checkpoints, ValuesThatAreNotFiniteAreNotSaved) {
  for (const double bad : {std::nan(""), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    Checkpoint c = sample();
    std::get<std::vector<float>>(c.parameters[0].values)[7] = static_cast<float>(bad);
    expect_error(ExitCode::diverged, {"step-000001200.h5", "parameter 'layers.10.weight'", "element 7", "finite"},
                 [&] { return save(directory_, c); });
    c = sample();
    std::get<std::vector<double>>(c.state["v"][0].values)[1] = bad;
    expect_error(ExitCode::diverged, {"state 'v', tensor 'layers.1.bias'", "element 1"}, [&] { return save(directory_, c); });
  }
  Checkpoint c = sample();
  c.scalars["s"] = std::nan("");
  expect_error(ExitCode::diverged, {"scalar 's' is nan"}, [&] { return save(directory_, c); });
  c = sample();
  c.arrays["a"] = {1, std::nan("")};
  expect_error(ExitCode::diverged, {"array 'a': element 1 is nan"}, [&] { return save(directory_, c); });
  EXPECT_TRUE(names_in(directory_).empty());
  c = sample();
  c.scalars["s"] = INFINITY;  // for example the best value so far
  std::get<std::vector<float>>(c.parameters[0].values)[7] = std::numeric_limits<float>::max();
  std::get<std::vector<float>>(c.parameters[0].values)[8] = std::numeric_limits<float>::denorm_min();
  EXPECT_NO_THROW(save(directory_, c));
}

TEST_F(Checkpoints, ValuesThatAreNotFiniteAreNotLoadedUnderASealThatFits) {
  const auto expect_refused = [&](const Checkpoint& c, const std::string& says) {
    const std::filesystem::path file = directory_ / "step-000001200.h5";
    write_atomically(file, [&](int descriptor) {
      h5::write_file(file.string(), descriptor, kSealBytes, [&](h5::Group root) { fill(std::move(root), c, file.string()); });
      seal(descriptor, file.string());
    });
    expect_error(ExitCode::bad_data, {file.string(), says}, [&] { return load(file); });
  };
  Checkpoint c = sample();
  std::get<std::vector<float>>(c.parameters[0].values)[7] = INFINITY;
  expect_refused(c, "parameter 'layers.10.weight': element 7 is inf");
  c = sample();
  std::get<std::vector<double>>(c.state["v"][0].values)[1] = std::nan("");
  expect_refused(c, "state 'v', tensor 'layers.1.bias': element 1 is nan");
  c = sample();
  c.scalars["s"] = std::nan("");
  expect_refused(c, "scalar 's' is nan");
  c = sample();
  c.transform.scale[1] = INFINITY;
  expect_refused(c, "transform scale: element 1 is inf");
}

TEST_F(Checkpoints, ShapesThatDoNotFitAreInternal) {
  Checkpoint c = sample();
  c.parameters[0].shape = {5, 5};
  expect_error(ExitCode::internal, {"parameter 'layers.10.weight'", "found 12 values", "25"},
               [&] { return save(directory_, c); });
}

TEST_F(Checkpoints, PlainHdf5ToolsOpenThem) {
  const auto file = save(directory_, sample());
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  ASSERT_GE(opened, 0);
  EXPECT_GT(H5Lexists(opened, "/parameters/layers.10.weight", H5P_DEFAULT), 0);
  H5Fclose(opened);
  if (!python_has(directory_, "h5py")) GTEST_SKIP() << "no h5py here: not read by it";
  const Ran ran = python(directory_, R"(
import h5py
f = h5py.File('step-000001200.h5', 'r')
assert f.userblock_size == 512
assert f['parameters/layers.10.weight'].shape == (3, 4) and f['parameters/layers.10.weight'].dtype == 'f4'
assert f['state/v/layers.1.bias'][:].tolist() == [5.0, 6.0]
assert f['counters'].attrs['trainer.step'] == 1200
assert [c.decode() for c in f['classes'][:]] == ['zero', 'één', '2']
assert f['config'][0].decode().endswith('seed = 1\n')
assert list(f['parameters']) == ['layers.10.weight', 'layers.1.bias', 'scale']
)");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

}  // namespace
}  // namespace talweg::io
