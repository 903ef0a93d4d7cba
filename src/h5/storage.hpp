// SPDX-License-Identifier: Apache-2.0
// The storage of an open HDF5 file: a descriptor, or bytes in memory, behind a file driver of our own. HDF5 never sees a failed
// write, because after a failed close it may hold a file that it cannot release. The failure is kept here and reported
// afterwards.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "h5/handle.hpp"

namespace talweg::h5 {

struct Storage {
  int descriptor = -1;               // -1: `image` is read
  std::span<const std::byte> image;  // not owned
  std::uint64_t end = 0;             // length of the file in bytes
  int error = 0;                     // errno of the first failed write; no later one was tried
};

/// A driver for one file, to be closed after it.
Handle register_driver(const Location& location);
/// File access by `driver`, over `storage`, which must outlive the file.
Handle access_to(Storage& storage, const Handle& driver, const Location& location);

}  // namespace talweg::h5
