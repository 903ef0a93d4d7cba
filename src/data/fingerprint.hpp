// SPDX-License-Identifier: Apache-2.0
// The identity of a data set: XXH3-128 of the decoded records, in the order of the files.
#pragma once

#include <memory>
#include <string>

#include "data/format.hpp"

namespace talweg::data {

class Fingerprint {
 public:
  Fingerprint();
  ~Fingerprint();
  void add(const Record& record);
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace talweg::data
