// SPDX-License-Identifier: Apache-2.0
// One HDF5 identifier, which is closed exactly once.
#pragma once

#include <cstdint>
#include <string>

namespace talweg::h5 {

/// Owns an HDF5 identifier (a hid_t, kept as an integer so that hdf5.h stays inside this room).
class Handle {
 public:
  using Close = int (*)(std::int64_t);

  Handle() = default;
  Handle(std::int64_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  [[nodiscard]] std::int64_t id() const { return id_; }
  /// Closes now; true if HDF5 agreed (or nothing was open).
  bool close() noexcept;

 private:
  std::int64_t id_ = -1;
  Close close_ = nullptr;
};

/// Where an object is, for messages.
struct Location {
  std::string file;
  std::string path;  // inside the file, "/" for the root
  [[nodiscard]] Location child(const std::string& name) const { return {file, (path == "/" ? "" : path) + "/" + name}; }
};

}  // namespace talweg::h5
