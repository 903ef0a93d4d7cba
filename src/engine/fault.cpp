// SPDX-License-Identifier: Apache-2.0
#include "engine/fault.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "talweg/error.hpp"

namespace talweg::engine {
namespace {

constexpr const char* kVariable = "TALWEG_FAULT";
constexpr std::array<std::pair<std::string_view, Fault::Kind>, 5> kKinds = {{{"nan", Fault::Kind::nan},
                                                                             {"nan-loss", Fault::Kind::nan_loss},
                                                                             {"throw", Fault::Kind::exception},
                                                                             {"hang", Fault::Kind::hang},
                                                                             {"kill", Fault::Kind::kill}}};

[[noreturn]] void refuse(std::string_view text, std::string_view found) {
  base::fail(base::ExitCode::usage,
             "{}: found \"{}\" in \"{}\", expected nan, nan-loss, throw, hang or kill, then rank=, step= and times=", kVariable,
             found, text);
}

}  // namespace

Fault Fault::parse(std::string_view text) {
  Fault fault;
  fault.text_ = text;
  std::istringstream words{fault.text_};
  std::string word;
  words >> word;
  bool known = false;
  for (const auto& [name, kind] : kKinds) {
    if (name != word) continue;
    fault.kind_ = kind;
    known = true;
  }
  if (!known) refuse(text, word);
  while (words >> word) {
    const std::size_t sign = word.find('=');
    std::int64_t value = 0;
    const char* const end = word.data() + word.size();
    if (sign == std::string::npos || std::from_chars(word.data() + sign + 1, end, value) != std::from_chars_result{end, {}} ||
        value < 0)
      refuse(text, word);
    const std::string_view key = std::string_view(word).substr(0, sign);
    if (key == "rank") {
      fault.rank_ = static_cast<int>(value);
    } else if (key == "step") {
      fault.step_ = value;
    } else if (key == "times") {
      fault.left_ = value;
    } else {
      refuse(text, word);
    }
  }
  return fault;
}

std::optional<Fault> Fault::from_environment() {
  const char* const text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return parse(text);
}

void Fault::happen(int rank, std::int64_t step) const {
  switch (kind_) {
    case Kind::nan:
    case Kind::nan_loss:
      return;  // an oracle's affair
    case Kind::exception:
      throw std::runtime_error(fmt::format("thrown on rank {} in step {}, as {} asks", rank, step, kVariable));
    case Kind::hang:
      while (true) pause();
    case Kind::kill:
      std::raise(SIGKILL);
  }
}

}  // namespace talweg::engine
