// SPDX-License-Identifier: Apache-2.0
// Calls into HDF5: its own printing is turned off meanwhile, and its failures become errors that name file and object.
#pragma once

#include <H5Epublic.h>
#include <H5Ppublic.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "h5/handle.hpp"
#include "talweg/error.hpp"

namespace talweg::h5 {

static_assert(std::is_same_v<hid_t, std::int64_t>, "Handle keeps hid_t as std::int64_t");

/// Links and attributes are listed in the order in which they were made.
inline constexpr unsigned kKeepOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

/// HDF5 prints its error stack by itself, and loads plug-ins for the filters that a file names, from folders that the
/// environment names. Both are turned off while we call it, and then restored, because a host program may rely on them.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Throws Error(code) "<file>: <path>: cannot <action>: <HDF5's innermost reason>".
[[noreturn]] void fail(base::ExitCode code, const Location& location, std::string_view action);

/// The result of an HDF5 call, which is negative on failure.
template <class Result>
Result require(Result result, base::ExitCode code, const Location& location, std::string_view action) {
  if (result < 0) fail(code, location, action);
  return result;
}
template <class Result>
Result reading(Result result, const Location& location, std::string_view action) {
  return require(result, base::ExitCode::bad_data, location, action);
}
template <class Result>
Result writing(Result result, const Location& location, std::string_view action) {
  return require(result, base::ExitCode::internal, location, action);
}

/// A fixed-length, NUL-padded UTF-8 type of at least one byte.
Handle text_type(std::size_t length, const Location& location);
/// The text in a NUL-padded field.
std::string from_field(const char* field, std::size_t length);
/// True for fixed-length text.
bool is_text(std::int64_t type);

}  // namespace talweg::h5
