// SPDX-License-Identifier: Apache-2.0
// Everything a reader must refuse, and its messages.
#include <hdf5.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "h5/file.hpp"
#include "tests/h5/support.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

/// The bytes of a file that `make` fills through HDF5's own interface.
template <class Make>
std::vector<std::byte> foreign_file(Make make) {
  const auto path = std::filesystem::temp_directory_path() / ("talweg_foreign_" + std::to_string(::getpid()) + ".h5");
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make(file);
  H5Fclose(file);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  std::filesystem::remove(path);
  return bytes;
}

void make_dataset(hid_t file, const char* name, hid_t type, hsize_t rows, hid_t properties = H5P_DEFAULT) {
  const hid_t space = H5Screate_simple(1, &rows, nullptr);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

TEST(Errors, NotHdf5) {
  const std::vector<std::byte> zeros(4096);
  expect_error(ExitCode::bad_data, {"zeros.h5", "/", "cannot open the HDF5 file", "HDF5 says"},
               [&] { File::open("zeros.h5", zeros); });
  expect_error(ExitCode::bad_data, {"empty.h5"}, [&] { File::open("empty.h5", {}); });
}

TEST(Errors, WhatIsMissingIsNamed) {
  const Nameless below;
  File file = File::create("a.h5", below.descriptor());
  file.root().create_group("group");
  file.close();
  const File opened = File::open("a.h5", below.descriptor());
  const Group group = opened.root().group("group");
  expect_error(ExitCode::bad_data, {"a.h5", "/group/weights", "missing"}, [&] { return group.dataset("weights"); });
  expect_error(ExitCode::bad_data, {"a.h5", "/group/inner", "missing"}, [&] { return group.group("inner"); });
  expect_error(ExitCode::bad_data, {"a.h5", "/group", "attribute 'step'", "missing"},
               [&] { return group.attributes().integer("step"); });
  expect_error(ExitCode::bad_data, {"a.h5", "/group", "open the data set"}, [&] { return opened.root().dataset("group"); });
}

TEST(Errors, WrongTypesAreNamed) {
  const auto bytes = foreign_file([](hid_t file) {
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "a", 0, H5T_NATIVE_DOUBLE);
    make_dataset(file, "pairs", pair, 3);
    make_dataset(file, "bytes", H5T_NATIVE_INT8, 3);
    const hid_t variable = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    make_dataset(file, "variable", variable, 3);
    const hsize_t two = 2;
    const hid_t space = H5Screate_simple(1, &two, nullptr);
    H5Aclose(H5Acreate2(file, "two", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT));
  });
  const File file = File::open("foreign.h5", bytes);
  const Group root = file.root();
  expect_error(ExitCode::bad_data, {"foreign.h5", "/pairs", "expected elements of type"},
               [&] { return root.dataset("pairs").number(); });
  expect_error(ExitCode::bad_data, {"/pairs", "expected elements of type"},
               [&] { return root.dataset("pairs").read<double>(); });
  expect_error(ExitCode::bad_data, {"/bytes", "expected fixed-length text"}, [&] { return root.dataset("bytes").read_text(); });
  expect_error(ExitCode::bad_data, {"/variable", "expected fixed-length text"},
               [&] { return root.dataset("variable").read_text(); });
  expect_error(ExitCode::bad_data, {"attribute 'two'", "expected one integer"}, [&] { return root.attributes().get("two"); });

  const Nameless below;
  File own = File::create("own.h5", below.descriptor());
  Group top = own.root();
  top.attributes().set("text", "t");
  top.attributes().set("integer", std::int64_t{1});
  top.attributes().set("number", 0.5);
  expect_error(ExitCode::bad_data, {"own.h5", "'text'", "expected an integer"},
               [&] { return top.attributes().integer("text"); });
  expect_error(ExitCode::bad_data, {"'number'", "expected an integer"}, [&] { return top.attributes().integer("number"); });
  expect_error(ExitCode::bad_data, {"'text'", "expected a number"}, [&] { return top.attributes().number("text"); });
  expect_error(ExitCode::bad_data, {"'integer'", "expected text"}, [&] { return top.attributes().text("integer"); });
}

TEST(Errors, MisuseIsInternal) {
  const Nameless below;
  File file = File::create("a.h5", below.descriptor());
  Group root = file.root();
  for (const std::string name : {"", ".", "a/b", "/"}) {
    expect_error(ExitCode::internal, {"a.h5", "'" + name + "' cannot be a name"}, [&] { root.create_group(name); });
  }
  root.create_group("twice");
  expect_error(ExitCode::internal, {"a.h5", "/twice", "cannot create a group"}, [&] { root.create_group("twice"); });
  root.attributes().set("twice", "");
  expect_error(ExitCode::internal, {"a.h5", "write attribute 'twice'"}, [&] { root.attributes().set("twice", ""); });
  const std::size_t rows = 3;
  Dataset dataset = root.create_dataset("three", Number::float64, {&rows, 1});
  const std::vector<double> two(2);
  expect_error(ExitCode::internal, {"/three", "given 2 values for 3 elements"}, [&] { dataset.write<double>(two); });
}

TEST(Errors, DataElsewhereAreRefused) {
  const auto bytes = foreign_file([](hid_t file) {
    const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(external, "/etc/passwd", 0, 800);
    make_dataset(file, "external", H5T_NATIVE_DOUBLE, 100, external);
    H5Lcreate_soft("/external", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/other.h5", "/x", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t mapped = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t rows = 100;
    const hid_t space = H5Screate_simple(1, &rows, nullptr);
    H5Pset_virtual(mapped, space, "/etc/other.h5", "/x", space);
    make_dataset(file, "virtual", H5T_NATIVE_DOUBLE, rows, mapped);
  });
  const File file = File::open("hostile.h5", bytes);
  const Group root = file.root();
  expect_error(ExitCode::bad_data, {"/external", "outside this file"}, [&] { return root.dataset("external").read<double>(); });
  expect_error(ExitCode::bad_data, {"/virtual", "outside this file"}, [&] { return root.dataset("virtual").read<double>(); });
  expect_error(ExitCode::bad_data, {"/soft", "soft or external link"}, [&] { return root.dataset("soft"); });
  expect_error(ExitCode::bad_data, {"/elsewhere", "soft or external link"}, [&] { return root.group("elsewhere"); });
}

// A filter in a file makes HDF5 load plug-ins from folders that the environment names. They must never be loaded.
TEST(Errors, FiltersThatPluginsBringAreRefused) {
  constexpr H5Z_filter_t kFilter = 305;
  const H5Z_class2_t here = {
      H5Z_CLASS_T_VERS,
      kFilter,
      1,
      1,
      "passes on",
      nullptr,
      nullptr,
      [](unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) { return bytes; }};
  ASSERT_GE(H5Zregister(&here), 0);
  const auto bytes = foreign_file([&](hid_t file) {
    const hid_t filtered = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 4;
    H5Pset_chunk(filtered, 1, &chunk);
    H5Pset_filter(filtered, kFilter, H5Z_FLAG_MANDATORY, 0, nullptr);
    make_dataset(file, "filtered", H5T_NATIVE_DOUBLE, 4, filtered);
    const hid_t dataset = H5Dopen2(file, "filtered", H5P_DEFAULT);
    const std::array<double, 4> values{};
    EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    H5Dclose(dataset);
  });
  ASSERT_GE(H5Zunregister(kFilter), 0);
  const auto mark = std::filesystem::temp_directory_path() / ("talweg_plugin_" + std::to_string(::getpid()));
  ::setenv("TALWEG_TEST_PLUGIN_MARK", mark.c_str(), 1);
  ASSERT_GE(H5PLprepend(TALWEG_TEST_PLUGINS), 0);
  const File file = File::open("hostile.h5", bytes);
  expect_error(ExitCode::bad_data, {"/filtered"}, [&] { return file.root().dataset("filtered").read<double>(); });
  EXPECT_FALSE(std::filesystem::exists(mark)) << "the plugin was loaded";
  EXPECT_GT(H5Zfilter_avail(kFilter), 0) << "and its host may have it all the same";
  EXPECT_TRUE(std::filesystem::remove(mark));
}

TEST(Errors, ShapesBeyondWhatIsStoredAreRefused) {
  const auto bytes = foreign_file([](hid_t file) {
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 1024;
    H5Pset_chunk(chunked, 1, &chunk);
    H5Pset_deflate(chunked, 1);
    make_dataset(file, "bomb", H5T_NATIVE_DOUBLE, hsize_t{1} << 40, chunked);
    const hid_t late = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(late, H5D_ALLOC_TIME_LATE);
    make_dataset(file, "hollow", H5T_NATIVE_DOUBLE, hsize_t{1} << 40, late);
  });
  const File file = File::open("hostile.h5", bytes);
  for (const char* name : {"bomb", "hollow"}) {
    expect_error(ExitCode::bad_data, {name, "1099511627776 elements", "0 bytes are stored"},
                 [&] { return file.root().dataset(name).read<double>(); });
  }
}

TEST(Errors, Hdf5KeepsSilentAndItsHostsHandlerStands) {
  static int called = 0;
  H5E_auto2_t before = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &before, &data);
  H5Eset_auto2(
      H5E_DEFAULT, [](hid_t, void*) -> herr_t { return ++called, 0; }, nullptr);
  testing::internal::CaptureStderr();
  EXPECT_THROW(File::open("empty.h5", {}), base::Error);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(called, 0);
  H5Fopen("/nowhere/at/all.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  EXPECT_EQ(called, 1);
  H5Eset_auto2(H5E_DEFAULT, before, data);
}

}  // namespace
}  // namespace talweg::h5
