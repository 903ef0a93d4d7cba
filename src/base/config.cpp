// SPDX-License-Identifier: Apache-2.0
#include "talweg/config.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/config_read_log.hpp"
#include "base/system_error.hpp"

namespace talweg::base {

Config Config::parse(const std::string& text, std::string name, std::span<const std::string> overrides,
                     const std::filesystem::path& folder) {
  auto log = std::make_shared<ReadLog>();
  log->root = parse_toml(text, name);
  log->name = std::move(name);
  log->folder = std::filesystem::absolute(folder.empty() ? std::filesystem::path(".") : folder);
  for (const std::string& assignment : overrides) {
    if (auto unset = apply_override(log->root, assignment)) log->unset.push_back(*std::move(unset));
  }
  log->opened.emplace("", ReadLog::Opened{.entry = nullptr, .table = &log->root, .asked = {}});
  log->order.emplace_back();
  return Config(std::move(log));
}

std::string read_text(const std::filesystem::path& file) {
  const auto refuse = [&](int error) {
    const bool missing = error == ENOENT || error == ENOTDIR || error == EISDIR;
    fail(missing ? ExitCode::input_missing : exit_code_of(error, ExitCode::io), "{}: {}, expected a config file (TOML)",
         file.string(), std::strerror(error));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) refuse(EISDIR);
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) refuse(errno);
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (in.bad()) refuse(errno == 0 ? EIO : errno);
  return std::move(text).str();
}

Config Config::load(const std::filesystem::path& file, std::span<const std::string> overrides) {
  return parse(read_text(file), file.string(), overrides, std::filesystem::absolute(file).parent_path());
}

void Config::list_required() const { log_->listing = true; }

const std::string& Config::name() const { return log_->name; }

Section Config::section(std::string_view name) const { return Section(log_, "").section(name); }

void Config::reject_unread(const Elsewhere& elsewhere) const { log_->reject_unread(elsewhere); }

std::vector<Resolved> Config::resolved() const { return log_->resolved; }

std::string Config::resolved_toml() const {
  std::string text;
  for (const std::string& path : log_->order) {
    std::string lines;
    for (const Resolved& r : log_->resolved) {
      if (r.section == path) lines += fmt::format("{} = {}\n", toml_key(r.key), r.value);
    }
    // A table of the file is kept even when nothing was read from it: its presence may have a meaning.
    const bool present = log_->at(path).entry != nullptr;
    if (path.empty() || (lines.empty() && !present)) continue;
    text += fmt::format("{}[{}]\n{}", text.empty() ? "" : "\n", path, lines);
  }
  return text;
}

}  // namespace talweg::base
