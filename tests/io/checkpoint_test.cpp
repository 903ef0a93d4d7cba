// SPDX-License-Identifier: Apache-2.0
// Checkpoints: what goes in comes out, and what is damaged never does.
#include "io/checkpoint.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "src/io/checkpoint_file.hpp"
#include "src/io/publish_file.hpp"
#include "src/io/seal.hpp"
#include "tests/io/support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

Checkpoint sample(std::int64_t step = 1200) {
  Checkpoint c;
  c.step = step;
  c.counters = {
      {"trainer.step", step}, {"meter.gradients", std::numeric_limits<std::int64_t>::max()}, {"trainer.best_step", -1}};
  for (int i = 0; i < 20; ++i) c.counters["more." + std::to_string(i)] = i;
  c.scalars = {{"trainer.best_value", INFINITY}, {"beta", 0.1}};
  c.arrays = {{"engine.grids", {1, -2147483648.0, 3}}, {"empty", {}}};
  std::vector<float> weight(12);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = std::nextafter(static_cast<float>(i), 100.0f);
  c.parameters = {{"layers.10.weight", {3, 4}, weight},
                  {"layers.1.bias", {2}, std::vector<double>{0.1, -0.0}},
                  {"scale", {}, std::vector<float>{7}}};
  c.state["m"] = c.parameters;
  c.state["v"] = {{"layers.1.bias", {2}, std::vector<double>{5, 6}}};
  c.transform = {.kind = "standardize", .shift = {1, 2}, .scale = {3, 4}};
  c.features = 784;
  c.classes = {"zero", "één", "2"};
  c.config = std::string(100000, '#') + "\n[run]\nseed = 1\n";
  c.fingerprint = "00ff";
  c.model = "mlp 784-512-10";
  c.attributes = {{"ending", ""}, {"config_folder", "/somewhere"}};
  return c;
}

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

std::vector<std::string> warnings;
base::Log warning_log() {
  warnings.clear();
  return base::Log([](base::Level level, std::string_view text) {
    if (level == base::Level::warning) warnings.emplace_back(text);
  });
}

void flip(const std::filesystem::path& file, std::size_t at) {
  auto bytes = bytes_of(file);
  bytes.at(at) ^= std::byte{0x10};
  put_file(file, bytes);
}

/// Writes the bytes back with a seal that fits what they now are.
void reseal(std::vector<std::byte>& bytes) {
  const std::uint64_t own = XXH3_64bits(bytes.data(), kSealBytes - 8);
  std::memcpy(bytes.data() + kSealBytes - 8, &own, sizeof(own));
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
  expect_error(ExitCode::bad_data, {file.string(), "newer talweg"}, [&] { rotate(directory_, 1, 2); });
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
    expect_error(ExitCode::bad_data, {file.string(), "found"}, [&] { return load(file); });  // changed by other hands
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
  c.scalars["s"] = INFINITY;  // the best value so far, say
  std::get<std::vector<float>>(c.parameters[0].values)[7] = std::numeric_limits<float>::max();
  std::get<std::vector<float>>(c.parameters[0].values)[8] = std::numeric_limits<float>::denorm_min();
  EXPECT_NO_THROW(save(directory_, c));
}

TEST_F(Checkpoints, ValuesThatAreNotFiniteAreNotLoadedUnderASealThatFits) {
  const auto expect_refused = [&](const Checkpoint& c, const std::string& says) {
    const std::filesystem::path file = directory_ / "step-000001200.h5";
    publish_file(file, [&](int descriptor) {
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

TEST_F(Checkpoints, TheNewestIntactOneIsFound) {
  EXPECT_FALSE(newest_intact(directory_, warning_log()));
  EXPECT_FALSE(newest_intact(directory_ / "none", warning_log()));
  for (const std::int64_t step : {100, 200, 300, 1000000000, 40}) save(directory_, sample(step));
  save_as(directory_ / "best.h5", sample(7));
  put_file(directory_ / "step-x.h5", {});
  put_file(directory_ / "step-9999999999.h5.bak", {});
  put_file(directory_ / ".step-2000000000.h5.17.tmp", {});
  auto found = newest_intact(directory_, warning_log());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 1000000000);
  EXPECT_EQ(load(found->path).step, 1000000000);
  EXPECT_TRUE(warnings.empty());

  flip(directory_ / "step-1000000000.h5", 5000);
  std::filesystem::resize_file(directory_ / "step-000000300.h5", 700);
  found = newest_intact(directory_, warning_log());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 200);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("step-1000000000.h5: damaged"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("step-000000300.h5: truncated"), std::string::npos) << warnings[1];
  EXPECT_TRUE(std::filesystem::exists(directory_ / "step-000000300.h5")) << "damaged ones stay";

  for (const std::int64_t step : {40, 100, 200})
    std::filesystem::resize_file(directory_ / fmt::format("step-{:09d}.h5", step), 0);
  EXPECT_FALSE(newest_intact(directory_, warning_log()));
  EXPECT_EQ(warnings.size(), 5u);
}

TEST_F(Checkpoints, RotationKeepsTheNewestAndTheBest) {
  save_as(directory_ / "best.h5", sample(1));
  put_file(directory_ / ".step-000000001.h5.99.tmp", {});
  for (std::int64_t step = 1; step <= 7; ++step) {
    save(directory_, sample(step));
    rotate(directory_, 3, step);
    EXPECT_EQ(names_in(directory_).size(), static_cast<std::size_t>(std::min<std::int64_t>(step, 3)) + 1) << step;
  }
  EXPECT_EQ(names_in(directory_),
            (std::vector<std::string>{"best.h5", "step-000000005.h5", "step-000000006.h5", "step-000000007.h5"}));
  rotate(directory_, 0, 7);  // never all
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"best.h5", "step-000000007.h5"}));
}

TEST_F(Checkpoints, RotationLeavesWhatWasSavedAndWhatIsOfALaterStep) {
  for (const std::int64_t step : {1, 2, 3, 8, 9}) save(directory_, sample(step));
  rotate(directory_, 1, 3);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"step-000000003.h5", "step-000000008.h5", "step-000000009.h5"}));
}

TEST_F(Checkpoints, RotationCountsOnlyIntactOnes) {
  for (std::int64_t step = 1; step <= 5; ++step) save(directory_, sample(step));
  flip(directory_ / "step-000000005.h5", 3000);
  flip(directory_ / "step-000000004.h5", 100);
  rotate(directory_, 2, 5);
  EXPECT_EQ(names_in(directory_),
            (std::vector<std::string>{"step-000000002.h5", "step-000000003.h5", "step-000000004.h5", "step-000000005.h5"}));
  const auto found = newest_intact(directory_, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 3);
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
