// SPDX-License-Identifier: Apache-2.0
// Files in memory: round trips, order, the bytes handed over.
#include "talweg/h5/file.hpp"

#include <hdf5.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "tests/h5/support.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

Image small_file(std::size_t user_block = 0, std::size_t expected = 0) {
  File file = File::create("small.h5", user_block, expected);
  Group root = file.root();
  root.attributes().set("title", "grüße");
  const std::vector<std::size_t> shape{3, 2};
  const std::vector<double> values{1, -2.5, 3, 4, 5, 1e300};
  root.create_dataset("matrix", Number::float64, shape).write<double>(values);
  return file.close();
}

TEST(File, KeepsNumbersOfAllTypesAndShapes) {
  File file = File::create("a.h5");
  {
    Group root = file.root();
    const std::vector<std::size_t> cube{2, 3, 4};
    std::vector<float> floats(24);
    std::iota(floats.begin(), floats.end(), 0.5f);
    root.create_dataset("cube", Number::float32, cube).write<float>(floats);
    const std::size_t rows = 2;
    const std::vector<std::int64_t> integers{std::int64_t{1} << 62, -7};
    root.create_dataset("integers", Number::int64, {&rows, 1}).write<std::int64_t>(integers);
    const double pi = 3.14159265358979;
    root.create_dataset("scalar", Number::float64, {}).write<double>({&pi, 1});
    const std::size_t none = 0;
    root.create_dataset("nothing", Number::float64, {&none, 1}).write<double>({});
  }
  const Image image = file.close();
  const File opened = File::open("a.h5", image.bytes());
  const Group root = opened.root();
  EXPECT_EQ(root.dataset("cube").shape(), (std::vector<std::size_t>{2, 3, 4}));
  EXPECT_EQ(root.dataset("cube").number(), Number::float32);
  EXPECT_EQ(root.dataset("cube").read<float>()[23], 23.5f);
  EXPECT_EQ(root.dataset("cube").read<double>()[23], 23.5);
  EXPECT_EQ(root.dataset("integers").number(), Number::int64);
  EXPECT_EQ(root.dataset("integers").read<std::int64_t>(), (std::vector<std::int64_t>{std::int64_t{1} << 62, -7}));
  EXPECT_TRUE(root.dataset("scalar").shape().empty());
  EXPECT_EQ(root.dataset("scalar").read<double>(), std::vector<double>{3.14159265358979});
  EXPECT_EQ(root.dataset("nothing").shape(), std::vector<std::size_t>{0});
  EXPECT_TRUE(root.dataset("nothing").read<double>().empty());
}

TEST(File, KeepsAttributesOfAllKinds) {
  File file = File::create("a.h5");
  const std::string large(200000, 'x');  // HDF5 would keep at most 64 KiB in an object header
  {
    const Group root = file.root();
    Attributes a = root.attributes();
    a.set("zero", std::int64_t{0});
    a.set("huge", std::int64_t{-9007199254740993});
    a.set("infinite", -INFINITY);
    a.set("text", "naïve");
    a.set("empty", "");
    a.set("large", large);
    for (int i = 0; i < 40; ++i) a.set("more " + std::to_string(i), std::int64_t{i});
  }
  const Image image = file.close();
  const File opened = File::open("a.h5", image.bytes());
  const Group root = opened.root();
  const Attributes a = root.attributes();
  EXPECT_EQ(a.integer("huge"), -9007199254740993);
  EXPECT_EQ(a.number("infinite"), -INFINITY);
  EXPECT_EQ(a.number("zero"), 0.0);
  EXPECT_EQ(a.text("text"), "naïve");
  EXPECT_EQ(a.text("empty"), "");
  EXPECT_EQ(a.text("large"), large);
  EXPECT_EQ(a.integer("more 39"), 39);
  EXPECT_TRUE(a.has("large"));
  EXPECT_FALSE(a.has("small"));
  ASSERT_EQ(a.names().size(), 46u);
  EXPECT_EQ(a.names()[0], "zero");  // order of creation, not of the alphabet
  EXPECT_EQ(a.names()[45], "more 39");
}

TEST(File, KeepsTheOrderOfMembersAndText) {
  File file = File::create("a.h5");
  const std::vector<std::string> texts{"b", "", "ein längerer Text", "a"};
  {
    Group group = file.root().create_group("group");
    for (const char* name : {"z", "layers.0.weight", "a"}) group.create_group(name);
    group.create_text("texts", texts);
    group.create_text("none", {});
  }
  const Image image = file.close();
  const File opened = File::open("a.h5", image.bytes());
  const Group group = opened.root().group("group");
  EXPECT_EQ(group.names(), (std::vector<std::string>{"z", "layers.0.weight", "a", "texts", "none"}));
  EXPECT_TRUE(group.has("a"));
  EXPECT_FALSE(group.has("b"));
  EXPECT_EQ(group.dataset("texts").read_text(), texts);
  EXPECT_TRUE(group.dataset("none").read_text().empty());
}

TEST(File, SameContentIsSameBytes) {
  const Image a = small_file(512), b = small_file(512);
  ASSERT_EQ(a.bytes().size(), b.bytes().size());
  EXPECT_EQ(std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()), 0);
}

TEST(File, LeavesTheUserBlockFreeAndEndsWhereHdf5Ends) {
  for (const std::size_t user_block : {std::size_t{0}, std::size_t{512}, std::size_t{2048}}) {
    Image image = small_file(user_block, 100000);
    for (std::size_t i = 0; i < user_block; ++i) ASSERT_EQ(image.bytes()[i], std::byte{0});
    EXPECT_EQ(std::memcmp(image.bytes().data() + user_block, "\x89HDF", 4), 0);
    EXPECT_LT(image.bytes().size(), user_block + 4096) << "the driver's increment is not part of the file";
    std::memset(image.bytes().data(), 0x55, user_block);
    const File opened = File::open("small.h5", image.bytes());
    EXPECT_EQ(opened.root().dataset("matrix").read<double>()[5], 1e300);

    // And as a file, by HDF5 itself, without any help of ours.
    const auto path = std::filesystem::temp_directory_path() / ("talweg_h5_" + std::to_string(::getpid()) + ".h5");
    const auto bytes = image.bytes();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const hid_t plain = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    EXPECT_GE(plain, 0);
    EXPECT_GT(H5Lexists(plain, "matrix", H5P_DEFAULT), 0);
    H5Fclose(plain);
    std::filesystem::remove(path);
  }
}

TEST(File, LosingTheLastByteIsNoticed) {
  const Image image = small_file();
  const auto bytes = image.bytes();
  expect_error(ExitCode::bad_data, {"cut.h5", "cannot open the HDF5 file"},
               [&] { File::open("cut.h5", bytes.first(bytes.size() - 1)); });
}

TEST(File, ChangedMetadataIsNoticedByHdf5) {
  // The V110 bounds put checksums on all metadata; the superblock is the first 48 bytes.
  for (std::size_t i = 12; i < 48; ++i) {
    Image image = small_file();
    image.bytes()[i] ^= std::byte{1};
    EXPECT_THROW(File::open("changed.h5", image.bytes()), base::Error) << "byte " << i;
  }
}

TEST(File, IsNotCreatedOnTheDisk) {
  const Image image = small_file();
  EXPECT_FALSE(std::filesystem::exists("small.h5"));
}

TEST(File, TwoOfOneNameAreTwo) {
  File a = File::create("same.h5");
  File b = File::create("same.h5");
  a.root().create_group("a");
  b.root().create_group("b");
  const Image first = a.close(), second = b.close();
  const File x = File::open("same.h5", first.bytes()), y = File::open("same.h5", second.bytes());
  EXPECT_TRUE(x.root().has("a") && !x.root().has("b"));
  EXPECT_TRUE(y.root().has("b") && !y.root().has("a"));
}

TEST(File, OneOnTheDiskOfTheSameNameIsNotLookedAt) {
  const auto path = std::filesystem::temp_directory_path() / ("talweg_h5_" + std::to_string(::getpid()) + ".h5");
  std::filesystem::create_directory(path);  // would be an error, were it opened
  const Image image = File::create(path.string()).close();
  EXPECT_TRUE(File::open(path.string(), image.bytes()).root().names().empty());
  std::filesystem::remove(path);
}

TEST(File, OnlyACreatedOneHasBytesToHandOver) {
  const Image image = small_file();
  File opened = File::open("read.h5", image.bytes());
  expect_error(ExitCode::internal, {"read.h5", "close"}, [&] { return opened.close(); });
}

TEST(File, CanBeGivenUp) {
  testing::internal::CaptureStderr();
  {
    File file = File::create("a.h5");
    Group root = file.root();
    root.create_group("left open");
    file = File::create("b.h5");  // what was open in a.h5 is closed with it
    EXPECT_TRUE(file.root().names().empty());
    expect_error(ExitCode::internal, {"a.h5"}, [&] { root.create_group("late"); });
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "closing what is closed is no news";
}

}  // namespace
}  // namespace talweg::h5
