// SPDX-License-Identifier: Apache-2.0
#include "run/archive.hpp"

#include <algorithm>
#include <ranges>

#include "base/stopwatch.hpp"
#include "base/system_error.hpp"
#include "io/atomic_file.hpp"
#include "run/best_point.hpp"
#include "talweg/error.hpp"

namespace talweg::run {
namespace {

using base::ExitCode;

constexpr std::chrono::milliseconds kLookEvery(200);
constexpr double kLateEnough = 1;  // seconds. Less than that of lost work is not worth a message

void drop(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::remove(file, error);
  if (!error) return;
  base::fail(base::exit_code_of(error.value(), ExitCode::io), "{}: cannot remove the earlier run's file: {}", file.string(),
             error.message());
}

/// Says to the ranks that wait for this one that it waits for the disk.
class AtTheDisk {
 public:
  explicit AtTheDisk(comm::Communicator& comm) : comm_(comm) { comm_.set_activity(comm::Activity::disk); }
  ~AtTheDisk() { comm_.set_activity(comm::Activity::updating); }
  AtTheDisk(const AtTheDisk&) = delete;
  AtTheDisk& operator=(const AtTheDisk&) = delete;

 private:
  comm::Communicator& comm_;
};

}  // namespace

DiskArchive::DiskArchive(io::RunDirectory directory, const CheckpointSection& checkpoint, comm::Communicator& comm,
                         Clock& clock, const base::Log& log)
    : directory_(std::move(directory)),
      checkpoint_(checkpoint),
      comm_(comm),
      clock_(clock),
      log_(log),
      checkpoints_(directory_.checkpoints()) {
  std::error_code error;
  std::filesystem::create_directories(directory_.checkpoints(), error);
  if (error) {
    base::fail(base::exit_code_of(error.value(), ExitCode::cannot_create), "{}: cannot create the run directory: {}",
               directory_.root.string(), error.message());
  }
  if (std::filesystem::is_symlink(directory_.checkpoints())) {  // the lock is on the run's directory, not on what it leads to
    base::fail(ExitCode::cannot_create, "{}: found a symbolic link, expected a directory of the run's own; --run may name one",
               directory_.checkpoints().string());
  }
  lock_.emplace(directory_.root);
  std::filesystem::remove(directory_.stop(), error);  // asked of an earlier run
}

// What stayed would be taken for the new run's. The newest checkpoint goes last: where a kill comes between, the earlier run is
// not set back.
void DiskArchive::drop_earlier_run() {
  drop(directory_.best());
  const std::vector<io::CheckpointFile> checkpoints = io::checkpoints_in(directory_.checkpoints());
  for (const io::CheckpointFile& found : checkpoints | std::views::reverse) drop(found.path);
  for (const auto& file : {directory_.trace(), directory_.rows(), directory_.summary()}) drop(file);
}

void DiskArchive::make_way() {
  std::error_code ignored;
  if (std::filesystem::exists(directory_.best(), ignored)) {
    log_.warn(fmt::format("{}: of a run that diverged before its first checkpoint; set aside as {}", directory_.best().string(),
                          io::set_aside(directory_.best(), "diverged").string()));
  }
  drop_summary();
}

void DiskArchive::drop_summary() { drop(directory_.summary()); }

void DiskArchive::write_lost_best(io::Checkpoint& checkpoint) {
  const AsBest as_best(checkpoint);
  std::string problem = "is of another step";
  try {
    if (io::load(directory_.best()).step >= checkpoint.step) return;
  } catch (const base::Error& e) {
    problem = e.what();
  }
  io::save_as(directory_.best(), checkpoint);
  log_.warn(fmt::format("{}: {}; written again, from the last checkpoint", directory_.best().string(), problem));
}

void DiskArchive::publish(const std::filesystem::path& file, const std::string& text) {
  lock_->expect_locked(directory_.root);
  io::write_atomically(file, std::as_bytes(std::span(text)));
}

void DiskArchive::start_writer(std::unique_ptr<io::TraceWriter> trace) {
  writer_.emplace(directory_, std::move(trace), static_cast<int>(checkpoint_.keep), *lock_, checkpoints_);
}

void DiskArchive::begin() {
  start_writer(io::TraceWriter::create(directory_.root, description_.attributes, description_.figures));
}

void DiskArchive::stand_at(std::int64_t step) {
  step_ = taken_step_ = on_disk_ = step;
  due_step_ = -1;
}

void DiskArchive::continue_from(std::int64_t step, std::int64_t row) {
  stand_at(step);
  try {
    auto trace = io::TraceWriter::resume(directory_.root, step, description_.attributes, description_.figures);
    const std::int64_t last = trace->last_step();
    start_writer(std::move(trace));
    if (last >= row) return;
    const std::string text = fmt::format("{}: its rows end at step {}, expected step {}: those between are lost",
                                         directory_.trace().string(), last, row);
    log_.warn(text);
    event("trace", text);
  } catch (const base::Error& e) {  // a damaged trace is no reason to lose a run: it is set aside
    if (e.code() != ExitCode::bad_data) throw;
    const auto aside = io::set_aside(directory_.root / "trace.h5", "damaged");
    log_.warn(fmt::format("{}; set aside as {}, a new trace begins at step {}", e.what(), aside.string(), step));
    begin();
  }
}

std::optional<io::CheckpointStore::Loaded> DiskArchive::load_newest() {
  wait();
  const AtTheDisk at_the_disk(comm_);
  return newest();
}

void DiskArchive::close() {
  finish_trace();
  before_ = written();
  writer_.reset();
}

void DiskArchive::append(io::TraceRecord record) {
  if (!writer_) return;
  const base::Stopwatch watch(clock_.trace);
  writer_->append(std::move(record));
}

void DiskArchive::event(std::string_view kind, const std::string& message) {
  if (writer_) writer_->append(io::TraceEvent{step_, clock_.seconds(), std::string(kind), message});
}

bool DiskArchive::asked_to_stop() {
  const auto now = Steady::now();
  if (now < look_at_) return false;
  look_at_ = now + kLookEvery;
  std::error_code ignored;
  const AtTheDisk at_the_disk(comm_);  // of a file server, perhaps
  return std::filesystem::exists(directory_.stop(), ignored);
}

bool DiskArchive::due(bool asked, bool exact) {
  if (!writer_) return false;
  asked_ = asked_ || asked;
  const std::int64_t since = step_ - std::max<std::int64_t>(0, taken_step_);
  const double waited = std::chrono::duration<double>(Steady::now() - taken_at_).count();
  const bool by_steps = checkpoint_.every_steps > 0 && since >= checkpoint_.every_steps;
  if (by_steps && exact) wait();
  const bool due = asked_ || by_steps || (checkpoint_.every_seconds > 0 && waited >= checkpoint_.every_seconds);
  if (!due || writer_->idle()) return due;
  if (due_step_ < 0) {
    due_step_ = step_;
    due_at_ = Steady::now();
  }
  return false;
}

void DiskArchive::report_delay() {
  if (due_step_ < 0 || due_step_ >= step_) return;
  const std::string text =
      fmt::format("due at step {}, taken at step {}: that of step {} was still being written", due_step_, step_, taken_step_);
  const double late = std::chrono::duration<double>(Steady::now() - due_at_).count();
  if (late > kLateEnough && !told_late_) {
    log_.info(fmt::format("checkpoint {}, {:.1f} s late; the disk is slower than [checkpoint] asks for", text, late));
    told_late_ = true;
  }
  ++late_;
  event("checkpoint", text);
}

void DiskArchive::save(bool last) {
  io::Checkpoint& checkpoint = writer_->snapshot();
  report_delay();
  due_step_ = -1;
  asked_ = false;
  io::expect_finite(checkpoint, io::checkpoint_file(directory_.checkpoints(), checkpoint.step).string());
  writer_->write({.best = best_changed_, .alone = false, .trace = !last});
  best_changed_ = false;
  taken_at_ = Steady::now();
  taken_step_ = checkpoint.step;
}

void DiskArchive::save_best() {
  io::Checkpoint& checkpoint = writer_->snapshot();
  // Without a checkpoint next to it, best.h5 says itself that its run diverged: otherwise a checkpoint was lost.
  if (on_disk_ < 0) checkpoint.attributes["ending"] = io::kDiverged;
  writer_->write({.best = true, .alone = true, .trace = false});
  best_changed_ = false;
}

void DiskArchive::wait() {
  if (!writer_) return;
  const base::Stopwatch watch(clock_.disk);
  const AtTheDisk at_the_disk(comm_);
  writer_->wait();
  on_disk_ = std::max(on_disk_, writer_->report().last_step);
  report_failures();
}

void DiskArchive::finish_trace() {
  if (!writer_) return;
  const base::Stopwatch watch(clock_.disk);
  const AtTheDisk at_the_disk(comm_);
  writer_->finish();
  report_failures();
}

Written DiskArchive::written() const {
  Written files = before_;
  if (writer_) {
    const WriterReport report = writer_->report();
    files.checkpoints += report.checkpoints;
    files.failed += report.failed;
    files.checkpoint_seconds += report.checkpoint_seconds;
    files.trace_seconds += report.trace_seconds;
  }
  files.late = late_;
  files.last_checkpoint = on_disk_;
  return files;
}

void DiskArchive::report_failures() {
  if (!writer_ || !writer_->failed()) return;
  const std::vector<WriteFailure> failures = writer_->failures();
  on_disk_ = std::max(on_disk_, writer_->report().last_step);
  for (const WriteFailure& failure : failures) {
    switch (failure.what) {
      case WriteFailure::What::checkpoint:
        best_changed_ = best_changed_ || failure.best;
        if (failure.again) break;  // how many in all is in the summary
        log_.warn(fmt::format("{}; the checkpoint of step {} is lost, {}; the run goes on", failure.message, failure.step,
                              last_checkpoint()));
        event("checkpoint", fmt::format("of step {} is lost: {}", failure.step, failure.message));
        break;
      case WriteFailure::What::best:
        best_changed_ = true;
        if (failure.again) break;
        log_.warn(failure.message + "; the best point is written when it can be, the run goes on");
        event("checkpoint", failure.message);
        break;
      case WriteFailure::What::rotation:
        log_.warn(failure.message + "; the run goes on");
        event("checkpoint", failure.message);
        break;
      case WriteFailure::What::rows:
        log_.warn(failure.message + "; rows of the trace are kept in memory until they can be written, the run goes on");
        event("trace", failure.message);
        break;
      case WriteFailure::What::trace:
        log_.warn(failure.message + "; the trace is published when it can be, the run goes on");
        event("trace", failure.message);
        break;
    }
  }
}

std::string DiskArchive::last_checkpoint() const {
  return on_disk_ >= 0 ? fmt::format("the last checkpoint on the disk is that of step {}", on_disk_)
                       : Archive::last_checkpoint();
}

}  // namespace talweg::run
