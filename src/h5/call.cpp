// SPDX-License-Identifier: Apache-2.0
#include "h5/call.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace talweg::h5 {
namespace {

/// HDF5's setting for plug-ins is global to the process. It is restored when the last Quiet object, on any thread, ends.
struct {
  std::mutex mutex;
  int users = 0;
  unsigned before = 0;
} plugins;

herr_t keep_first(unsigned n, const H5E_error2_t* error, void* data) {
  auto& reason = *static_cast<std::string*>(data);
  if (n == 0 && error->desc != nullptr) reason = error->desc;
  return 0;
}

}  // namespace

Quiet::Quiet() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const std::lock_guard lock(plugins.mutex);
  if (plugins.users++ > 0) return;
  H5PLget_loading_state(&plugins.before);
  H5PLset_loading_state(0);
}

Quiet::~Quiet() {
  {
    const std::lock_guard lock(plugins.mutex);
    if (--plugins.users == 0) H5PLset_loading_state(plugins.before);
  }
  H5Eset_auto2(H5E_DEFAULT, function_, data_);
}

void fail(base::ExitCode code, const Location& location, std::string_view action) {
  std::string reason = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  base::fail(code, "{}: {}: cannot {}: HDF5 says: {}", location.file, location.path, action, reason);
}

Handle text_type(std::size_t length, const Location& location) {
  Handle type(writing(H5Tcopy(H5T_C_S1), location, "make a text type"), H5Tclose);
  writing(H5Tset_size(type.id(), std::max<std::size_t>(length, 1)), location, "make a text type");
  writing(H5Tset_cset(type.id(), H5T_CSET_UTF8), location, "make a text type");
  writing(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), location, "make a text type");
  return type;
}

std::string from_field(const char* field, std::size_t length) { return {field, ::strnlen(field, length)}; }

bool is_text(std::int64_t type) { return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0; }

}  // namespace talweg::h5
