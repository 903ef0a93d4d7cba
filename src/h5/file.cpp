// SPDX-License-Identifier: Apache-2.0
#include "talweg/h5/file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "h5/call.hpp"

namespace talweg::h5 {

using base::ExitCode;

/// The buffer of the core driver. Of a created file it is kept when HDF5 lets go of it at close: H5Fget_file_image would cost a
/// copy, and with V110 bounds its result does not open again in HDF5 1.10.8. Of an opened file it is the caller's, lent.
struct File::Capture {
  void* data = nullptr;
  std::size_t size = 0;
  bool lent = false;
  ~Capture() {
    if (!lent) std::free(data);
  }
};

namespace {

void* share(void* capture) { return capture; }

herr_t keep(void*) { return 0; }

/// HDF5 takes files of one name for one file, and looks for it on the disk even when it is told to create it in memory. So each
/// has a name of its own, in a place where nothing can be.
std::string name_in_memory(const void* capture) { return fmt::format("/dev/null/talweg-{}", capture); }

constexpr std::size_t kLeastIncrement = std::size_t{1} << 16;
constexpr std::size_t kLargestIncrement = std::size_t{1} << 28;
constexpr unsigned kKeepOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

/// The end of file address in a superblock of version 2 or 3: the buffer itself is larger, in steps of the increment.
std::size_t end_of_file(std::span<const std::byte> bytes, std::size_t user_block, const Place& place) {
  constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  constexpr std::size_t kVersion = 8, kOffsetBytes = 9, kEnd = 28, kLength = 48;
  const bool known = bytes.size() >= user_block + kLength &&
                     std::memcmp(bytes.data() + user_block, kSignature.data(), 8) == 0 &&
                     bytes[user_block + kVersion] >= std::byte{2} && bytes[user_block + kOffsetBytes] == std::byte{8};
  if (!known) base::fail(ExitCode::internal, "{}: HDF5 wrote no superblock of version 2 or later", place.file);
  std::uint64_t end = 0;  // little-endian, like every machine this runs on
  std::memcpy(&end, bytes.data() + user_block + kEnd, sizeof(end));
  return end;
}

}  // namespace

File::File(std::string name, std::size_t user_block, std::unique_ptr<Capture> capture, Handle handle)
    : name_(std::move(name)), user_block_(user_block), capture_(std::move(capture)), handle_(std::move(handle)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&& other) noexcept {
  handle_ = std::move(other.handle_);  // first: closing what was open calls into capture_
  capture_ = std::move(other.capture_);
  name_ = std::move(other.name_);
  user_block_ = other.user_block_;
  return *this;
}
File::~File() = default;

File File::create(std::string name, std::size_t user_block, std::size_t expected_bytes) {
  const Quiet quiet;
  const Place place{name, "/"};
  auto capture = std::make_unique<Capture>();
  const Handle access(writing(H5Pcreate(H5P_FILE_ACCESS), place, "make properties"), H5Pclose);
  const std::size_t increment = std::clamp(expected_bytes + kLeastIncrement, kLeastIncrement, kLargestIncrement);
  writing(H5Pset_fapl_core(access.id(), increment, false), place, "set the core driver");
  writing(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110), place, "set the format bounds");
  writing(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), place, "set the close degree");
  H5FD_file_image_callbacks_t callbacks{};
  callbacks.image_malloc = [](std::size_t size, H5FD_file_image_op_t, void*) { return std::malloc(size); };
  callbacks.image_memcpy = [](void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  };
  callbacks.image_realloc = [](void* data, std::size_t size, H5FD_file_image_op_t, void* udata) -> void* {
    auto* captured = static_cast<Capture*>(udata);
    void* grown = std::realloc(data, size);
    // What HDF5 leaves unwritten must not be chance: the same content is to be the same bytes.
    if (grown != nullptr && size > captured->size)
      std::memset(static_cast<char*>(grown) + captured->size, 0, size - captured->size);
    if (grown != nullptr) captured->size = size;
    return grown;
  };
  callbacks.image_free = [](void* data, H5FD_file_image_op_t operation, void* udata) -> herr_t {
    if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE) {
      static_cast<Capture*>(udata)->data = data;
    } else {
      std::free(data);
    }
    return 0;
  };
  callbacks.udata_copy = share;
  callbacks.udata_free = keep;
  callbacks.udata = capture.get();
  writing(H5Pset_file_image_callbacks(access.id(), &callbacks), place, "set the image callbacks");
  const Handle creation(writing(H5Pcreate(H5P_FILE_CREATE), place, "make properties"), H5Pclose);
  writing(H5Pset_userblock(creation.id(), user_block), place, "set the user block");
  writing(H5Pset_obj_track_times(creation.id(), false), place, "make properties");
  writing(H5Pset_link_creation_order(creation.id(), kKeepOrder), place, "make properties");
  writing(H5Pset_attr_creation_order(creation.id(), kKeepOrder), place, "make properties");
  const std::string own_name = name_in_memory(capture.get());
  Handle file(writing(H5Fcreate(own_name.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), place, "create a file in memory"),
              H5Fclose);
  return {std::move(name), user_block, std::move(capture), std::move(file)};
}

File File::open(std::string name, std::span<const std::byte> image) {
  const Quiet quiet;
  const Place place{name, "/"};
  if (image.empty()) base::fail(ExitCode::bad_data, "{}: cannot open the HDF5 file: it is empty", name);
  // HDF5 wants a mutable pointer, but opened for reading it leaves the buffer alone.
  auto capture = std::make_unique<Capture>(Capture{const_cast<std::byte*>(image.data()), image.size(), true});
  const Handle access(reading(H5Pcreate(H5P_FILE_ACCESS), place, "make properties"), H5Pclose);
  reading(H5Pset_fapl_core(access.id(), kLeastIncrement, false), place, "set the core driver");
  reading(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), place, "set the close degree");
  H5FD_file_image_callbacks_t callbacks{};  // wherever HDF5 would copy the image, it gets the image
  callbacks.image_malloc = [](std::size_t, H5FD_file_image_op_t, void* udata) { return static_cast<Capture*>(udata)->data; };
  callbacks.image_memcpy = [](void* to, const void*, std::size_t, H5FD_file_image_op_t, void*) { return to; };
  callbacks.image_realloc = [](void*, std::size_t, H5FD_file_image_op_t, void*) -> void* { return nullptr; };
  callbacks.image_free = [](void*, H5FD_file_image_op_t, void*) -> herr_t { return 0; };
  callbacks.udata_copy = share;
  callbacks.udata_free = keep;
  callbacks.udata = capture.get();
  reading(H5Pset_file_image_callbacks(access.id(), &callbacks), place, "set the image callbacks");
  reading(H5Pset_file_image(access.id(), capture->data, capture->size), place, "set the image");
  const std::string own_name = name_in_memory(capture.get());
  Handle file(reading(H5Fopen(own_name.c_str(), H5F_ACC_RDONLY, access.id()), place, "open the HDF5 file"), H5Fclose);
  return {std::move(name), 0, std::move(capture), std::move(file)};
}

Group File::root() const {
  const Quiet quiet;
  const Place place{name_, "/"};
  return {Handle(reading(H5Gopen2(handle_.id(), "/", H5P_DEFAULT), place, "open the root group"), H5Gclose), place};
}

Image File::close() {
  const Quiet quiet;
  const Place place{name_, "/"};
  if (!handle_.close() || capture_->data == nullptr || capture_->lent)
    fail(ExitCode::internal, place, "close the file in memory");
  const std::size_t end = end_of_file({static_cast<const std::byte*>(capture_->data), capture_->size}, user_block_, place);
  if (end > capture_->size) {
    // Space HDF5 allocated at the end and never wrote.
    void* grown = std::realloc(capture_->data, end);
    if (grown == nullptr) base::fail(ExitCode::internal, "{}: no memory for {} bytes", name_, end);
    std::memset(static_cast<char*>(grown) + capture_->size, 0, end - capture_->size);
    capture_->data = grown;
  }
  return {std::exchange(capture_->data, nullptr), end};
}

}  // namespace talweg::h5
