// SPDX-License-Identifier: Apache-2.0
#include "inspect/show.hpp"

#include "inspect/run_files.hpp"

namespace talweg::inspect {

std::string show_text(const std::string& path) {
  switch (kind_of(path)) {
    case PathKind::run:
      return run_text(path);
    case PathKind::trace:
      return trace_text(path, io::read_trace(path));
    case PathKind::checkpoint:
      break;
  }
  return checkpoint_text(path, io::load(path));
}

std::string show_json(const std::string& path) {
  report::JsonWriter json;
  switch (kind_of(path)) {
    case PathKind::run:
      write_run(json, path);
      break;
    case PathKind::trace:
      write_trace(json, path, io::read_trace(path));
      break;
    case PathKind::checkpoint:
      write_checkpoint(json, path, io::load(path));
      break;
  }
  return json.text();
}

}  // namespace talweg::inspect
