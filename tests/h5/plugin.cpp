// SPDX-License-Identifier: Apache-2.0
// A filter plugin of HDF5 that leaves a mark when it is loaded.
#include <H5PLextern.h>
#include <H5Zpublic.h>

#include <cstdio>
#include <cstdlib>

namespace {

std::size_t pass_on(unsigned, std::size_t, const unsigned*, std::size_t bytes, std::size_t*, void**) { return bytes; }
const H5Z_class2_t kFilter = {H5Z_CLASS_T_VERS, 305, 1, 1, "passes on", nullptr, nullptr, pass_on};

[[maybe_unused]] const bool kMarked = [] {
  const char* mark = std::getenv("TALWEG_TEST_PLUGIN_MARK");
  FILE* file = mark != nullptr ? std::fopen(mark, "w") : nullptr;
  return file != nullptr && std::fclose(file) == 0;
}();

}  // namespace

H5PL_type_t H5PLget_plugin_type() { return H5PL_TYPE_FILTER; }
const void* H5PLget_plugin_info() { return &kFilter; }
