// SPDX-License-Identifier: Apache-2.0
#include "math/parallel.hpp"

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace talweg::math {

struct Threads::Arena {
  explicit Arena(int n)
      : threads(n), limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(n)), arena(n) {}
  int threads;
  // Without it TBB would allow no more threads than the affinity mask, even if the user asks for more.
  tbb::global_control limit;
  tbb::task_arena arena;
};

Threads::Threads(int threads) : arena_(std::make_unique<Arena>(threads > 0 ? threads : available_cores())) {}
Threads::~Threads() = default;

int Threads::count() const { return arena_->threads; }

int Threads::available_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  const int cores = CPU_COUNT(&mask);
  return cores > 0 ? cores : 1;
}

void Threads::for_each(std::size_t count, const std::function<void(std::size_t)>& body) const {
  for_each_with_slot(count, [&](std::size_t task, std::size_t) { body(task); });
}

void Threads::for_each_with_slot(std::size_t count, const std::function<void(std::size_t, std::size_t)>& body) const {
  if (count <= 1 || arena_->threads == 1) {
    for (std::size_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  arena_->arena.execute([&] {
    tbb::parallel_for(std::size_t{0}, count,
                      [&](std::size_t i) { body(i, static_cast<std::size_t>(tbb::this_task_arena::current_thread_index())); });
  });
}

}  // namespace talweg::math
