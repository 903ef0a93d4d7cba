// SPDX-License-Identifier: Apache-2.0
// What lies below an open HDF5 file: a descriptor or bytes in memory, behind a file driver of our own. HDF5 is never told that
// a write has failed: a close that fails can leave it with a file it cannot let go of. The failure is kept here, and told
// after.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "h5/handle.hpp"

namespace talweg::h5 {

struct Storage {
  int descriptor = -1;               // -1: `image` is read
  std::span<const std::byte> image;  // lent
  std::uint64_t end = 0;             // bytes that are there
  int error = 0;                     // errno of the first write that failed; none was tried after it
};

/// A driver for one file, to be closed after it.
Handle register_driver(const Place& place);
/// File access by `driver`, over `storage`, which must outlive the file.
Handle access_to(Storage& storage, const Handle& driver, const Place& place);

}  // namespace talweg::h5
