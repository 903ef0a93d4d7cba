// SPDX-License-Identifier: Apache-2.0
#include "h5/storage.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "h5/call.hpp"

namespace talweg::h5 {
namespace {

struct OpenFile {
  H5FD_t common{};  // the part that HDF5 knows; must be first
  Storage* storage = nullptr;
  haddr_t allocated = 0;
};

OpenFile& ours(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file); }
const OpenFile& ours(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file); }

H5FD_t* open_file(const char*, unsigned, hid_t access, haddr_t) {
  auto* const* storage = static_cast<Storage* const*>(H5Pget_driver_info(access));
  if (storage == nullptr) return nullptr;
  auto* file = new OpenFile;  // HDF5 keeps it until close_file()
  file->storage = *storage;
  return &file->common;
}

herr_t close_file(H5FD_t* file) {
  delete &ours(file);
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* features) {
  *features =
      H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t allocated(const H5FD_t* file, H5FD_mem_t) { return ours(file).allocated; }

herr_t allocate(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  ours(file).allocated = end;
  return 0;
}

haddr_t end_of(const H5FD_t* file, H5FD_mem_t) { return ours(file).storage->end; }

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, void* buffer) {
  const Storage& storage = *ours(file).storage;
  auto* to = static_cast<char*>(buffer);
  const std::size_t there = at < storage.end ? static_cast<std::size_t>(std::min<std::uint64_t>(size, storage.end - at)) : 0;
  if (storage.descriptor < 0) {
    if (there > 0) std::memcpy(to, storage.image.data() + at, there);
  } else {
    for (std::size_t have = 0; have < there;) {
      const ssize_t got = ::pread(storage.descriptor, to + have, there - have, static_cast<off_t>(at + have));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return -1;
      have += static_cast<std::size_t>(got);
    }
  }
  std::memset(to + there, 0, size - there);  // allocated but not yet written
  return 0;
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, const void* buffer) {
  Storage& storage = *ours(file).storage;
  if (storage.descriptor < 0) return -1;
  constexpr std::size_t kLargest = std::size_t{1} << 30;  // Linux writes at most about 2 GiB at once
  const auto* from = static_cast<const char*>(buffer);
  for (std::size_t done = 0; done < size && storage.error == 0;) {
    const ssize_t wrote =
        ::pwrite(storage.descriptor, from + done, std::min(size - done, kLargest), static_cast<off_t>(at + done));
    if (wrote < 0 && errno != EINTR) storage.error = errno;
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
  storage.end = std::max<std::uint64_t>(storage.end, at + size);
  return 0;
}

/// The file ends where HDF5 says, with zeros where it allocated and wrote nothing.
herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  Storage& storage = *ours(file).storage;
  const haddr_t end = ours(file).allocated;
  if (storage.descriptor < 0 || storage.error != 0 || storage.end == end) return 0;
  if (::ftruncate(storage.descriptor, static_cast<off_t>(end)) != 0) storage.error = errno;
  storage.end = end;
  return 0;
}

}  // namespace

Handle register_driver(const Location& location) {
  H5FD_class_t driver{};
  driver.name = "talweg";
  driver.maxaddr = static_cast<haddr_t>(std::numeric_limits<off_t>::max());
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(void*);  // a Storage*
  driver.open = open_file;
  driver.close = close_file;
  driver.query = query;
  driver.get_eoa = allocated;
  driver.set_eoa = allocate;
  driver.get_eof = end_of;
  driver.read = read;
  driver.write = write;
  driver.truncate = truncate;
  constexpr std::array<H5FD_mem_t, H5FD_MEM_NTYPES> kKinds H5FD_FLMAP_DICHOTOMY;
  std::ranges::copy(kKinds, driver.fl_map);
  return {writing(H5FDregister(&driver), location, "register a file driver"), H5FDunregister};
}

Handle access_to(Storage& storage, const Handle& driver, const Location& location) {
  Handle access(writing(H5Pcreate(H5P_FILE_ACCESS), location, "make properties"), H5Pclose);
  Storage* const lent = &storage;
  writing(H5Pset_driver(access.id(), driver.id(), static_cast<const void*>(&lent)), location, "set the file driver");
  writing(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), location, "set the close degree");
  return access;
}

}  // namespace talweg::h5
