// SPDX-License-Identifier: Apache-2.0
// Files: round trips, order, identical bytes, full disks.
#include "h5/file.hpp"

#include <hdf5.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "tests/h5/support.hpp"

namespace talweg::h5 {
namespace {

using base::ExitCode;

std::vector<std::byte> small_file(std::size_t user_block = 0) {
  const Nameless below;
  File file = File::create("small.h5", below.descriptor(), user_block);
  Group root = file.root();
  root.attributes().set("title", "grüße");
  const std::vector<std::size_t> shape{3, 2};
  const std::vector<double> values{1, -2.5, 3, 4, 5, 1e300};
  root.create_dataset("matrix", Number::float64, shape).write<double>(values);
  file.close();
  return below.bytes();
}

TEST(File, KeepsNumbersOfAllTypesAndShapes) {
  const Nameless below;
  File file = File::create("a.h5", below.descriptor());
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
  file.close();
  const std::vector<std::byte> image = below.bytes();
  const File opened = File::open("a.h5", image);
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
  const Nameless below;
  File file = File::create("a.h5", below.descriptor());
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
  file.close();
  const std::vector<std::byte> image = below.bytes();
  const File opened = File::open("a.h5", image);
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
  const Nameless below;
  File file = File::create("a.h5", below.descriptor());
  const std::vector<std::string> texts{"b", "", "ein längerer Text", "a"};
  {
    Group group = file.root().create_group("group");
    for (const char* name : {"z", "layers.0.weight", "a"}) group.create_group(name);
    group.create_text("texts", texts);
    group.create_text("none", {});
  }
  file.close();
  const std::vector<std::byte> image = below.bytes();
  const File opened = File::open("a.h5", image);
  const Group group = opened.root().group("group");
  EXPECT_EQ(group.names(), (std::vector<std::string>{"z", "layers.0.weight", "a", "texts", "none"}));
  EXPECT_TRUE(group.has("a"));
  EXPECT_FALSE(group.has("b"));
  EXPECT_EQ(group.dataset("texts").read_text(), texts);
  EXPECT_TRUE(group.dataset("none").read_text().empty());
}

TEST(File, SameContentIsSameBytes) { EXPECT_EQ(small_file(512), small_file(512)); }

TEST(File, LeavesTheUserBlockFreeAndEndsWhereHdf5Ends) {
  for (const std::size_t user_block : {std::size_t{0}, std::size_t{512}, std::size_t{2048}}) {
    std::vector<std::byte> image = small_file(user_block);
    for (std::size_t i = 0; i < user_block; ++i) ASSERT_EQ(image[i], std::byte{0});
    EXPECT_EQ(std::memcmp(image.data() + user_block, "\x89HDF", 4), 0);
    EXPECT_LT(image.size(), user_block + 4096) << "what HDF5 sets aside is not part of the file";
    std::memset(image.data(), 0x55, user_block);
    const File opened = File::open("small.h5", image);
    EXPECT_EQ(opened.root().dataset("matrix").read<double>()[5], 1e300);

    // And HDF5 itself opens it as a file, without our driver.
    const auto path = std::filesystem::temp_directory_path() / ("talweg_h5_" + std::to_string(::getpid()) + ".h5");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
    const hid_t plain = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    EXPECT_GE(plain, 0);
    EXPECT_GT(H5Lexists(plain, "matrix", H5P_DEFAULT), 0);
    H5Fclose(plain);
    std::filesystem::remove(path);
  }
}

TEST(File, LosingTheLastByteIsNoticed) {
  const std::vector<std::byte> image = small_file();
  expect_error(ExitCode::bad_data, {"cut.h5", "cannot open the HDF5 file"},
               [&] { File::open("cut.h5", std::span(image).first(image.size() - 1)); });
}

TEST(File, ChangedMetadataIsNoticedByHdf5) {
  // The V110 bounds put checksums on all metadata; the superblock is the first 48 bytes.
  for (std::size_t i = 12; i < 48; ++i) {
    std::vector<std::byte> image = small_file();
    image[i] ^= std::byte{1};
    EXPECT_THROW(File::open("changed.h5", image), base::Error) << "byte " << i;
  }
}

TEST(File, TheNameIsForMessagesOnly) {
  const auto path = std::filesystem::temp_directory_path() / ("talweg_h5_" + std::to_string(::getpid()) + ".h5");
  std::filesystem::create_directory(path);  // would be an error, were it opened
  const Nameless below;
  File::create(path.string(), below.descriptor()).close();
  EXPECT_TRUE(File::open(path.string(), below.bytes()).root().names().empty());
  EXPECT_TRUE(File::open(path.string(), below.descriptor()).root().names().empty());
  std::filesystem::remove(path);
}

TEST(File, TwoOfOneNameAreTwo) {
  const Nameless first, second;
  File a = File::create("same.h5", first.descriptor());
  File b = File::create("same.h5", second.descriptor());
  a.root().create_group("a");
  b.root().create_group("b");
  a.close();
  b.close();
  const File x = File::open("same.h5", first.descriptor()), y = File::open("same.h5", second.descriptor());
  EXPECT_TRUE(x.root().has("a") && !x.root().has("b"));
  EXPECT_TRUE(y.root().has("b") && !y.root().has("a"));
}

TEST(File, RowsAndChunksAreReadAndWrittenInParts) {
  const Nameless below;
  const std::vector<std::string> texts{"a", "bc", "", "déf", "g"};
  write_file("a.h5", below.descriptor(), 0, [&](Group root) {
    const std::size_t none = 0;
    root.create_text("texts", texts.size(), 5).write_text(0, std::span(texts).first(2));
    root.dataset("texts").write_text(2, std::span(texts).subspan(2));
    root.create_chunked("none", Number::float64, 0, 8);
    root.create_dataset("plain", Number::float64, {&none, 1});
    expect_error(ExitCode::internal, {"/texts", "given text of 6 bytes for fields of 5"},
                 [&] { root.dataset("texts").write_text(0, std::vector<std::string>{"123456"}); });
    expect_error(ExitCode::internal, {"/texts", "asked for rows 4 to 6 of 5"},
                 [&] { root.dataset("texts").write_text(4, std::span(texts).first(2)); });
  });
  const File opened = File::open("a.h5", below.descriptor());
  const Group root = opened.root();
  EXPECT_EQ(root.dataset("texts").read_text(), texts);
  EXPECT_EQ(root.dataset("texts").read_text(1, 3), std::vector<std::string>(texts.begin() + 1, texts.begin() + 4));
  EXPECT_EQ(root.dataset("none").chunk_rows(), 0u);
  EXPECT_EQ(root.dataset("plain").chunk_rows(), 0u);
  EXPECT_EQ(root.dataset("texts").chunk_rows(), 5u);
  const File again = File::open("a.h5", below.descriptor());
  std::vector<double> past(1);
  expect_error(ExitCode::internal, {"/none", "asked for rows 0 to 1 of 0"},
               [&] { again.root().dataset("none").read_rows<double>(0, past); });
}

// HDF5 would not survive a failed close, so it never sees a failure.
TEST(File, AFullDiskIsAnErrorOfOursAndNoneOfHdf5) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t room : {0, 100, 700, 3000, 5000}) {
    const Nameless below;
    const rlimit now{room, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
    expect_error(ExitCode::io, {"full.h5: cannot write: File too large"}, [&] {
      write_file("full.h5", below.descriptor(), 512, [](Group root) {
        const std::size_t rows = 1000;
        root.create_dataset("numbers", Number::float64, {&rows, 1}).write<double>(std::vector<double>(rows, 1));
        for (int i = 0; i < 40; ++i) root.create_group("group " + std::to_string(i));
      });
    });
    ::setrlimit(RLIMIT_FSIZE, &before);
  }
  std::signal(SIGXFSZ, handler);
  const Nameless below;
  File::create("a.h5", below.descriptor()).close();  // and HDF5 is as before
  EXPECT_TRUE(File::open("a.h5", below.descriptor()).root().names().empty());
}

TEST(File, CanBeGivenUp) {
  testing::internal::CaptureStderr();
  {
    const Nameless below, other;
    File file = File::create("a.h5", below.descriptor());
    Group root = file.root();
    root.create_group("left open");
    file = File::create("b.h5", other.descriptor());  // what was open in a.h5 is closed with it
    EXPECT_TRUE(file.root().names().empty());
    expect_error(ExitCode::internal, {"a.h5"}, [&] { root.create_group("late"); });
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "closing what is closed is no news";
}

}  // namespace
}  // namespace talweg::h5
