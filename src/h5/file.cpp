// SPDX-License-Identifier: Apache-2.0
#include "h5/file.hpp"

#include <hdf5.h>
#include <sys/stat.h>

#include <system_error>
#include <utility>

#include "h5/call.hpp"
#include "h5/storage.hpp"

namespace talweg::h5 {

using base::ExitCode;

struct File::Below {
  Storage storage;
  Handle driver;
};

namespace {

}  // namespace

File::File(std::string name, std::unique_ptr<Below> below, Handle handle)
    : name_(std::move(name)), below_(std::move(below)), handle_(std::move(handle)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&& other) noexcept {
  handle_ = std::move(other.handle_);  // first: closing what was open calls into below_
  below_ = std::move(other.below_);
  name_ = std::move(other.name_);
  return *this;
}
File::~File() = default;

File File::create(std::string name, int descriptor, std::size_t user_block) {
  const Quiet quiet;
  const Location location{name, "/"};
  auto below = std::make_unique<Below>();
  below->storage.descriptor = descriptor;
  below->driver = register_driver(location);
  const Handle access = access_to(below->storage, below->driver, location);
  writing(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110), location, "set the format bounds");
  const Handle creation(writing(H5Pcreate(H5P_FILE_CREATE), location, "make properties"), H5Pclose);
  writing(H5Pset_userblock(creation.id(), user_block), location, "set the user block");
  writing(H5Pset_obj_track_times(creation.id(), false), location, "make properties");
  writing(H5Pset_link_creation_order(creation.id(), kKeepOrder), location, "make properties");
  writing(H5Pset_attr_creation_order(creation.id(), kKeepOrder), location, "make properties");
  Handle file(writing(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), location, "create the HDF5 file"),
              H5Fclose);
  return {std::move(name), std::move(below), std::move(file)};
}

File File::open(std::string name, std::unique_ptr<Below> below) {
  const Quiet quiet;
  const Location location{name, "/"};
  if (below->storage.end == 0) base::fail(ExitCode::bad_data, "{}: cannot open the HDF5 file: it is empty", name);
  below->driver = register_driver(location);
  const Handle access = access_to(below->storage, below->driver, location);
  Handle file(reading(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.id()), location, "open the HDF5 file"), H5Fclose);
  return {std::move(name), std::move(below), std::move(file)};
}

File File::open(std::string name, std::span<const std::byte> image) {
  auto below = std::make_unique<Below>();
  below->storage.image = image;
  below->storage.end = image.size();
  return open(std::move(name), std::move(below));
}

File File::open(std::string name, int descriptor) {
  auto below = std::make_unique<Below>();
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0)
    base::fail(ExitCode::io, "{}: cannot read: {}", name, std::generic_category().message(errno));
  below->storage.descriptor = descriptor;
  below->storage.end = static_cast<std::uint64_t>(facts.st_size);
  return open(std::move(name), std::move(below));
}

Group File::root() const {
  const Quiet quiet;
  const Location location{name_, "/"};
  return {Handle(reading(H5Gopen2(handle_.id(), "/", H5P_DEFAULT), location, "open the root group"), H5Gclose), location};
}

void File::expect_written() const {
  if (const int error = below_->storage.error)
    base::fail(ExitCode::io, "{}: cannot write: {}", name_, std::generic_category().message(error));
}

void File::close() {
  const Quiet quiet;
  const bool closed = handle_.close();
  expect_written();
  if (!closed) fail(ExitCode::internal, {name_, "/"}, "close the file");
}

void write_file(const std::string& name, int descriptor, std::size_t user_block, const std::function<void(Group)>& fill) {
  File file = File::create(name, descriptor, user_block);
  try {
    fill(file.root());
  } catch (const base::Error&) {
    file.expect_written();
    throw;
  }
  file.close();
}

}  // namespace talweg::h5
