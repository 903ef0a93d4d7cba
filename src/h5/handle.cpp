// SPDX-License-Identifier: Apache-2.0
#include "h5/handle.hpp"

#include <utility>

#include "h5/call.hpp"

namespace talweg::h5 {

Handle::Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    close();
    id_ = std::exchange(other.id_, -1);
    close_ = other.close_;
  }
  return *this;
}

Handle::~Handle() { close(); }

bool Handle::close() noexcept {
  if (id_ < 0) return true;
  const Quiet quiet;
  return close_(std::exchange(id_, -1)) >= 0;
}

}  // namespace talweg::h5
