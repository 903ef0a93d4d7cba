// SPDX-License-Identifier: Apache-2.0
// NumPy's files, both ways.
#include "io/npz.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "tests/io/support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

std::vector<StoredTensor> sample() {
  return {{"layers.0.weight", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, std::numeric_limits<float>::denorm_min()}},
          {"layers.0.bias", {2}, std::vector<double>{0.1, -1e300}},
          {"scalar", {}, std::vector<double>{2.5}},
          {"empty", {0, 3}, std::vector<float>{}}};
}

void expect_same(const std::vector<StoredTensor>& a, const std::vector<StoredTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].shape, b[i].shape) << a[i].name;
    EXPECT_EQ(a[i].values, b[i].values) << a[i].name;
  }
}

using Npz = Scratch;

TEST_F(Npz, RoundTrip) {
  write_npz(directory_ / "a.npz", sample());
  expect_same(read_npz(directory_ / "a.npz"), sample());
  write_npz(directory_ / "none.npz", {});
  EXPECT_TRUE(read_npz(directory_ / "none.npz").empty());
}

TEST_F(Npz, SameTensorsAreSameBytes) {
  write_npz(directory_ / "a.npz", sample());
  write_npz(directory_ / "b.npz", sample());
  EXPECT_EQ(bytes_of(directory_ / "a.npz"), bytes_of(directory_ / "b.npz"));
}

TEST_F(Npz, NumpyReadsOurs) {
  if (!python_has(directory_, "numpy")) GTEST_SKIP() << "no numpy here";
  write_npz(directory_ / "a.npz", sample());
  write_npy(directory_ / "b.npy", {2, 2}, {1, 2, 3, 4.5});
  const Ran ran = python(directory_, R"(
import numpy, zipfile
assert zipfile.ZipFile('a.npz').testzip() is None
a = numpy.load('a.npz')
assert a.files == ['layers.0.weight', 'layers.0.bias', 'scalar', 'empty'], a.files
w = a['layers.0.weight']
assert w.dtype == 'f4' and w.shape == (2, 3) and w[1].tolist() == [4, 5, numpy.nextafter(numpy.float32(0), numpy.float32(1))]
assert a['layers.0.bias'].dtype == 'f8' and a['layers.0.bias'].tolist() == [0.1, -1e300]
assert a['scalar'].shape == () and a['scalar'] == 2.5
assert a['empty'].shape == (0, 3)
b = numpy.load('b.npy')
assert b.dtype == 'f8' and b.tolist() == [[1, 2], [3, 4.5]]
)");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(Npz, WeReadNumpys) {
  if (!python_has(directory_, "numpy")) GTEST_SKIP() << "no numpy here";
  const Ran ran = python(directory_, R"(
import numpy
t = {'layers.0.weight': numpy.array([[1, 2, 3], [4, 5, numpy.nextafter(numpy.float32(0), numpy.float32(1))]], dtype='f4'),
     'layers.0.bias': numpy.array([0.1, -1e300]), 'scalar': numpy.array(2.5), 'empty': numpy.zeros((0, 3), dtype='f4')}
numpy.savez('stored.npz', **t)
numpy.savez_compressed('deflated.npz', **t)
numpy.savez_compressed('large.npz', x=numpy.arange(300000.0).reshape(3, 100000), zeros=numpy.zeros(2000000))
)");
  ASSERT_EQ(ran.status, 0) << ran.output;
  expect_same(read_npz(directory_ / "stored.npz"), sample());
  expect_same(read_npz(directory_ / "deflated.npz"), sample());
  const auto large = read_npz(directory_ / "large.npz");
  ASSERT_EQ(large.size(), 2u);
  EXPECT_EQ(large[0].shape, (std::vector<std::size_t>{3, 100000}));
  EXPECT_EQ(std::get<std::vector<double>>(large[0].values).back(), 299999.0);
  EXPECT_EQ(std::get<std::vector<double>>(large[1].values), std::vector<double>(2000000));
}

TEST_F(Npz, OtherArraysOfNumpysAreNamed) {
  if (!python_has(directory_, "numpy")) GTEST_SKIP() << "no numpy here";
  const Ran ran = python(directory_, R"(
import numpy, zipfile
numpy.savez('integers.npz', good=numpy.zeros(3), labels=numpy.arange(3))
numpy.savez('big_endian.npz', x=numpy.zeros(3, dtype='>f8'))
numpy.savez('fortran.npz', w=numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)))
with zipfile.ZipFile('bzip2.npz', 'w', zipfile.ZIP_BZIP2) as z: z.writestr('x.npy', b'anything')
with zipfile.ZipFile('text.npz', 'w') as z: z.writestr('readme.txt', b'not an array at all')
with zipfile.ZipFile('cut.npz', 'w') as z: z.writestr('x.npy', open('integers.npz', 'rb').read()[0:0] + b'\x93NUMPY\x01\x00\xff\xff{ }')
)");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto read = [&](const char* name) { return [file = directory_ / name] { return read_npz(file); }; };
  expect_error(ExitCode::bad_data, {"integers.npz", "member 'labels.npy'", "'<i8'", "expected '<f4' or '<f8'"},
               read("integers.npz"));
  expect_error(ExitCode::bad_data, {"big_endian.npz", "member 'x.npy'", "'>f8'"}, read("big_endian.npz"));
  expect_error(ExitCode::bad_data, {"fortran.npz", "member 'w.npy'", "Fortran order, expected C order"}, read("fortran.npz"));
  expect_error(ExitCode::bad_data, {"bzip2.npz", "member 'x.npy'", "compression method 12"}, read("bzip2.npz"));
  expect_error(ExitCode::bad_data, {"text.npz", "member 'readme.txt'", "no NPY array"}, read("text.npz"));
  expect_error(ExitCode::bad_data, {"cut.npz", "member 'x.npy'", "truncated in its npy header"}, read("cut.npz"));
}

TEST_F(Npz, DamageIsNoticed) {
  const auto file = directory_ / "a.npz";
  expect_error(ExitCode::input_missing, {file.string()}, [&] { return read_npz(file); });
  put_file(file, std::vector<std::byte>(100));
  expect_error(ExitCode::bad_data, {file.string(), "no zip archive"}, [&] { return read_npz(file); });
  put_file(file, {});
  expect_error(ExitCode::bad_data, {file.string(), "no zip archive"}, [&] { return read_npz(file); });

  write_npz(file, sample());
  const auto good = bytes_of(file);
  for (std::size_t length = 0; length < good.size(); length += 3) {
    put_file(file, std::span(good).first(length));
    expect_error(ExitCode::bad_data, {file.string()}, [&] { return read_npz(file); });
  }
  // The CRC finds a changed element. Elsewhere a changed byte may have no effect, but must never crash the program.
  auto bad = good;
  const float two = 2;
  const auto element = std::search(bad.begin(), bad.end(), reinterpret_cast<const std::byte*>(&two),
                                   reinterpret_cast<const std::byte*>(&two + 1));
  ASSERT_NE(element, bad.end());
  *element ^= std::byte{1};
  put_file(file, bad);
  expect_error(ExitCode::bad_data, {file.string(), "member 'layers.0.weight.npy'", "CRC-32"}, [&] { return read_npz(file); });
  for (std::size_t at = 0; at < good.size(); ++at) {
    bad = good;
    bad[at] ^= static_cast<std::byte>(std::array{0x01, 0x80, 0xff}[at % 3]);
    put_file(file, bad);
    try {
      static_cast<void>(read_npz(file));
    } catch (const base::Error& e) {
      ASSERT_EQ(e.code(), ExitCode::bad_data) << e.what();
    }
  }
}

TEST_F(Npz, DamagedDeflateIsNoticed) {
  if (!python_has(directory_, "numpy")) GTEST_SKIP() << "no numpy here";
  const Ran ran = python(directory_, "import numpy; numpy.savez_compressed('a.npz', x=numpy.sin(numpy.arange(100.0)))");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto file = directory_ / "a.npz";
  const auto good = bytes_of(file);
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= std::byte{0x24};
    put_file(file, bad);
    try {
      static_cast<void>(read_npz(file));
    } catch (const base::Error& e) {
      ASSERT_EQ(e.code(), ExitCode::bad_data) << e.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(good.size()) * 9 / 10);
}

TEST_F(Npz, ShapesThatDoNotFitAreInternal) {
  expect_error(ExitCode::internal, {"b.npy", "given 3 values for a shape of 4"}, [&] {
    write_npy(directory_ / "b.npy", {2, 2}, {1, 2, 3});
  });
  expect_error(ExitCode::internal, {"a.npz", "'w'", "given 3 values"}, [&] {
    write_npz(directory_ / "a.npz", {{"w", {4}, std::vector<float>(3)}});
  });
  EXPECT_TRUE(names_in(directory_).empty());
}

}  // namespace
}  // namespace talweg::io
