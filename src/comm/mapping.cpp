// SPDX-License-Identifier: Apache-2.0
#include "comm/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/pages.hpp"
#include "talweg/error.hpp"

namespace talweg::comm {

Mapping::Mapping(std::size_t bytes) : descriptor_(memfd_create("talweg", MFD_CLOEXEC)) {
  const std::size_t size = std::max<std::size_t>(bytes, 1);  // mmap refuses a size of 0
  if (descriptor_ < 0 || ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close_file();
    base::fail(base::ExitCode::internal, "cannot make {} bytes of shared memory: {}", bytes, std::strerror(error));
  }
  map(size);
}

Mapping::Mapping(const MappingName& name)
    : descriptor_(open(fmt::format("/proc/{}/fd/{}", name.process, name.descriptor).c_str(), O_RDWR | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    base::fail(base::ExitCode::internal, "cannot see the memory of process {}: {}", name.process, std::strerror(errno));
  }
  map(name.bytes);
}

void Mapping::map(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (at == MAP_FAILED) {
    const int error = errno;
    close_file();
    base::fail(base::ExitCode::internal, "cannot map {} bytes of shared memory: {}", bytes, std::strerror(error));
  }
  bytes_ = {static_cast<std::byte*>(at), bytes};
}

Mapping::Mapping(Mapping&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(std::exchange(other.bytes_, {})) {}

Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
  close_file();
}

void Mapping::forget(std::size_t first, std::size_t bytes) {
  const auto whole = base::whole_pages(bytes_, first, bytes);
  if (!whole.empty() && madvise(whole.data(), whole.size(), MADV_REMOVE) != 0) {
    base::fail(base::ExitCode::internal, "cannot return {} bytes of shared memory to the system: {}", whole.size(),
               std::strerror(errno));
  }
}

MappingName Mapping::name() const { return {.process = getpid(), .descriptor = descriptor_, .bytes = bytes_.size()}; }

void Mapping::close_file() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

}  // namespace talweg::comm
