// SPDX-License-Identifier: Apache-2.0
// The only header that includes oneTBB. Each task writes to its own index, so the schedule cannot change a bit.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace talweg::math {

/// Threads of one rank. Construct once per run; `threads` = 0: as many as the process may use.
class Threads {
 public:
  explicit Threads(int threads = 0);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  [[nodiscard]] int count() const;
  /// Cores this process may run on (its affinity mask), to warn when fewer than the threads asked for.
  [[nodiscard]] static int available_cores();
  /// Calls body(i) for every i in [0, count), in parallel when there is more than one thread and more than one task.
  /// An exception thrown by a task is rethrown here once all tasks have stopped.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& body) const;
  /// The same with the number of the thread that runs the task, in [0, count()), for scratch space of its own.
  void for_each_with_slot(std::size_t count, const std::function<void(std::size_t task, std::size_t slot)>& body) const;

 private:
  struct Arena;
  std::unique_ptr<Arena> arena_;
};

}  // namespace talweg::math
