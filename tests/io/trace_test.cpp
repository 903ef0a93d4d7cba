// SPDX-License-Identifier: Apache-2.0
// The trace: what is appended is read back, whatever is cut, torn or killed.
#include "talweg/io/trace.hpp"

#include <sys/wait.h>

#include <cmath>
#include <csignal>
#include <thread>

#include "tests/io/support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

const TraceAttributes kAttributes{{"config", "[run]\nseed = 7\n"}, {"seed", std::int64_t{7}}, {"host", "häst"}};
const std::vector<std::string> kFigures{"train_loss", "valid_accuracy"};

/// Every field of the row of step i is another function of i.
StepRow row(std::int64_t i) {
  const auto x = static_cast<double>(i);
  return {.step = i,
          .epoch = x / 8,
          .examples = i * 256,
          .gradient_evaluations = i * 257,
          .hvp_evaluations = i * 3,
          .value_evaluations = i * 5,
          .evaluation_gradients = i / 2,
          .seconds = x * 0.25,
          .loss = std::sin(x),
          .gradient_norm = x + 0.1,
          .update_norm = x + 0.2,
          .parameter_norm = x + 0.3,
          .learning_rate = 1 / x,
          .part = i / 100,
          .timing_gradient = x + 0.4,
          .timing_allreduce = x + 0.5,
          .timing_update = x + 0.6,
          .timing_broadcast = x + 0.7,
          .timing_other = x + 0.8};
}

void append(TraceWriter& trace, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i <= last; ++i) {
    trace.append(row(i));
    if (i % 10 == 0)
      trace.append(EvaluationRow{
          i, static_cast<double>(i), 2 * i, {{"valid_accuracy", static_cast<double>(i) / 1e6}, {"train_loss", -1.0}}});
  }
}

/// Rows 1..last in every column, with nothing missing, doubled or out of place.
void expect_rows(const Trace& trace, std::int64_t last) {
  ASSERT_EQ(trace.steps.size(), 14u);
  ASSERT_EQ(trace.timing.size(), 5u);
  for (const Columns* columns : {&trace.steps, &trace.timing}) {
    for (const auto& [name, values] : *columns) ASSERT_EQ(values.size(), static_cast<std::size_t>(last)) << name;
  }
  for (std::int64_t i = 1; i <= last; ++i) {
    const StepRow r = row(i);
    const auto k = static_cast<std::size_t>(i - 1);
    const auto at = [&](const char* name) { return trace.steps.at(name)[k]; };
    ASSERT_EQ(at("step"), static_cast<double>(i));
    ASSERT_EQ(at("epoch"), r.epoch);
    ASSERT_EQ(at("examples"), static_cast<double>(r.examples));
    ASSERT_EQ(at("gradient_evaluations"), static_cast<double>(r.gradient_evaluations));
    ASSERT_EQ(at("hvp_evaluations"), static_cast<double>(r.hvp_evaluations));
    ASSERT_EQ(at("value_evaluations"), static_cast<double>(r.value_evaluations));
    ASSERT_EQ(at("evaluation_gradients"), static_cast<double>(r.evaluation_gradients));
    ASSERT_EQ(at("seconds"), r.seconds);
    ASSERT_EQ(at("loss"), r.loss);
    ASSERT_EQ(at("gradient_norm"), r.gradient_norm);
    ASSERT_EQ(at("update_norm"), r.update_norm);
    ASSERT_EQ(at("parameter_norm"), r.parameter_norm);
    ASSERT_EQ(at("learning_rate"), r.learning_rate);
    ASSERT_EQ(at("part"), static_cast<double>(r.part));
    ASSERT_EQ(trace.timing.at("gradient")[k], r.timing_gradient);
    ASSERT_EQ(trace.timing.at("allreduce")[k], r.timing_allreduce);
    ASSERT_EQ(trace.timing.at("update")[k], r.timing_update);
    ASSERT_EQ(trace.timing.at("broadcast")[k], r.timing_broadcast);
    ASSERT_EQ(trace.timing.at("other")[k], r.timing_other);
  }
  const auto evaluations = static_cast<std::size_t>(last / 10);
  ASSERT_EQ(trace.evaluation.at("step").size(), evaluations);
  for (std::size_t k = 0; k < evaluations; ++k) {
    const auto step = static_cast<double>(10 * (k + 1));
    ASSERT_EQ(trace.evaluation.at("step")[k], step);
    ASSERT_EQ(trace.evaluation.at("seconds")[k], step);
    ASSERT_EQ(trace.evaluation.at("gradient_evaluations")[k], 2 * step);
    ASSERT_EQ(trace.evaluation.at("valid_accuracy")[k], step / 1e6);
    ASSERT_EQ(trace.evaluation.at("train_loss")[k], -1.0);
  }
}

class Traces : public Scratch {
 protected:
  std::filesystem::path h5() const { return directory_ / "trace.h5"; }
  std::filesystem::path rows() const { return directory_ / "trace.rows"; }
};

TEST_F(Traces, RoundTripOverManyChunks) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  expect_rows(read_trace(directory_), 0);  // complete from the first moment
  std::int64_t last = 0;
  for (const std::int64_t next : {1, 2, 8191, 8192, 8193, 16384, 30000}) {
    append(*trace, last + 1, next);
    last = next;
    trace->publish();
    expect_rows(read_trace(h5()), last);
  }
  EXPECT_EQ(read_trace(directory_).attributes, kAttributes);
  EXPECT_EQ(names_in(directory_), (std::vector<std::string>{"trace.h5", "trace.rows"}));
}

TEST_F(Traces, RowsSincePublicationAreRead) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 25);
  trace->publish();
  append(*trace, 26, 77);
  trace->append(TraceEvent{77, 1.5, "resume", "at step 77 – weiter"});
  trace->sync();
  const Trace read = read_trace(directory_);
  expect_rows(read, 77);
  ASSERT_EQ(read.events.size(), 1u);
  EXPECT_EQ(read.events[0].kind, "resume");
  EXPECT_EQ(read.events[0].message, "at step 77 – weiter");
  std::filesystem::copy(h5(), directory_ / "copy");
  std::filesystem::create_directory(directory_ / "elsewhere");
  std::filesystem::copy(h5(), directory_ / "elsewhere" / "trace.h5");
  expect_rows(read_trace(directory_ / "elsewhere"), 25);  // trace.h5 stands for itself
}

TEST_F(Traces, RowsReachTheFileWhenWritten) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 6);
  expect_rows(read_trace(directory_), 0);
  trace->write();
  expect_rows(read_trace(directory_), 6);
}

TEST_F(Traces, RowsWhoseFileIsLostAreInTheNextOne) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 10);
  std::filesystem::remove(rows());
  std::filesystem::create_directory(rows());
  expect_error(ExitCode::io, {rows().string(), "cannot create the file"}, [&] { trace->publish(); });
  append(*trace, 11, 20);
  expect_error(ExitCode::io, {rows().string()}, [&] { trace->sync(); });
  std::filesystem::remove(rows());
  append(*trace, 21, 30);
  trace->sync();
  expect_rows(read_trace(directory_), 30);
  append(*trace, 31, 40);
  trace->sync();
  expect_rows(read_trace(directory_), 40);
}

TEST_F(Traces, RowsReachTheFileWhenTheWriterGoes) {
  { append(*TraceWriter::create(directory_, kAttributes, kFigures), 1, 12); }
  expect_rows(read_trace(directory_), 12);
}

TEST_F(Traces, EventsKeepTheirText) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  const std::string large(300000, 'm');
  trace->append(TraceEvent{0, 0.5, "start", ""});
  trace->append(TraceEvent{1, 1.5, "config", large});
  trace->append(TraceEvent{1, 1.75, "", "two lines\nof text"});
  trace->publish();
  const Trace read = read_trace(directory_);
  ASSERT_EQ(read.events.size(), 3u);
  EXPECT_EQ(read.events[0].message, "");
  EXPECT_EQ(read.events[0].seconds, 0.5);
  EXPECT_EQ(read.events[1].message, large);
  EXPECT_EQ(read.events[2].kind, "");
  EXPECT_EQ(read.events[2].message, "two lines\nof text");
  EXPECT_EQ(read.events[2].step, 1);
}

TEST_F(Traces, FiguresMayComeAndGo) {
  auto trace = TraceWriter::create(directory_, kAttributes, {"a"});
  trace->append(EvaluationRow{1, 0, 0, {{"a", 1}}});
  trace->append(EvaluationRow{2, 0, 0, {}});
  trace->append(EvaluationRow{3, 0, 0, {{"b", 3}, {"b", 4}}});
  for (const bool published : {false, true}) {
    if (published)
      trace->publish();
    else
      trace->sync();
    const Columns read = read_trace(directory_).evaluation;
    ASSERT_EQ(read.at("a").size(), 3u);
    EXPECT_EQ(read.at("a")[0], 1);
    EXPECT_TRUE(std::isnan(read.at("a")[1]) && std::isnan(read.at("a")[2]));
    ASSERT_EQ(read.at("b").size(), 3u) << published;
    EXPECT_TRUE(std::isnan(read.at("b")[0]) && std::isnan(read.at("b")[1]));
    EXPECT_EQ(read.at("b")[2], 3);
  }
  trace.reset();
  trace = TraceWriter::resume(directory_, 9, {}, {"c"});
  trace->append(EvaluationRow{10, 0, 0, {{"c", 10}}});
  trace->publish();
  const Columns read = read_trace(directory_).evaluation;
  ASSERT_EQ(read.at("c").size(), 4u);
  EXPECT_TRUE(std::isnan(read.at("c")[2]));
  EXPECT_EQ(read.at("c")[3], 10);
  EXPECT_EQ(read.at("b")[2], 3);
}

TEST_F(Traces, ResumeCutsWhatCameAfterTheCheckpoint) {
  for (const std::int64_t cut : {0, 1, 25, 26, 40, 59, 60, 100}) {
    auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 25);
    trace->append(TraceEvent{25, 0, "early", ""});
    trace->publish();
    append(*trace, 26, 60);
    trace->append(TraceEvent{60, 0, "late", ""});
    trace.reset();
    trace = TraceWriter::resume(directory_, cut, {{"seed", std::int64_t{8}}, {"ranks", std::int64_t{2}}}, kFigures);
    const Trace read = read_trace(directory_);
    expect_rows(read, std::min<std::int64_t>(cut, 60));
    EXPECT_EQ(read.events.size(), static_cast<std::size_t>((cut >= 25) + (cut >= 60)));
    EXPECT_EQ(std::get<std::int64_t>(read.attributes.at("seed")), 8);
    EXPECT_EQ(std::get<std::int64_t>(read.attributes.at("ranks")), 2);
    EXPECT_EQ(std::get<std::string>(read.attributes.at("host")), "häst");
    append(*trace, std::min<std::int64_t>(cut, 60) + 1, 90);
    trace->sync();
    expect_rows(read_trace(directory_), 90);
    trace->publish();
    expect_rows(read_trace(directory_), 90);
  }
}

TEST_F(Traces, ResumeWithoutATraceBeginsOne) {
  const auto trace = TraceWriter::resume(directory_, 40, kAttributes, kFigures);
  expect_rows(read_trace(directory_), 0);
}

TEST_F(Traces, ATornTailIsDroppedAndWhatIsBeforeItKept) {
  {
    const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20);
    trace->publish();
    append(*trace, 21, 40);
  }
  const auto whole = bytes_of(rows());
  std::size_t before = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    put_file(rows(), std::span(whole).first(length));
    const Trace read = read_trace(directory_);
    const std::size_t steps = read.steps.at("step").size();
    ASSERT_GE(steps, std::max<std::size_t>(before, 20));
    ASSERT_LE(steps, 40u);
    before = steps;
    if (length % 101 == 0) {  // and resuming from it works
      TraceWriter::resume(directory_, 30, kAttributes, kFigures);
      const Trace again = read_trace(directory_);
      ASSERT_EQ(again.steps.at("step").size(), std::min<std::size_t>(steps, 30));
      TraceWriter::create(directory_, kAttributes, kFigures);
      const auto rebuilt = TraceWriter::create(directory_, kAttributes, kFigures);
      append(*rebuilt, 1, 20);
      rebuilt->publish();
    }
  }
  EXPECT_EQ(before, 40u);
}

TEST_F(Traces, AFlippedByteInTheRowsHidesWhatFollowsAndNothingElse) {
  {
    const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
    append(*trace, 1, 20);
    trace->publish();
    append(*trace, 21, 30);
  }
  const auto whole = bytes_of(rows());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bad = whole;
    bad[at] ^= std::byte{4};
    put_file(rows(), bad);
    const Trace read = read_trace(directory_);
    const auto& steps = read.steps.at("step");
    ASSERT_GE(steps.size(), 20u);
    ASSERT_TRUE(steps.size() < 30u || read.evaluation.at("step").size() < 3u) << at;
    for (std::size_t k = 0; k < steps.size(); ++k) ASSERT_EQ(read.steps.at("loss")[k], std::sin(static_cast<double>(k + 1)));
  }
}

TEST_F(Traces, RowsOfAnEarlierPublicationAreNotCountedTwice) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 30);
  trace->sync();
  const auto old_rows = bytes_of(rows());
  trace->publish();
  put_file(rows(), old_rows);  // as if killed between publishing and emptying the rows
  expect_rows(read_trace(directory_), 30);
}

TEST_F(Traces, RowsOfAnEarlierRunAreNotTakenOver) {
  { append(*TraceWriter::create(directory_, kAttributes, kFigures), 1, 30); }
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  expect_rows(read_trace(directory_), 0);
  append(*trace, 1, 10);
  trace->sync();
  const SizeLimit limit(1000);  // stopped before the new trace.h5 is there, the old rows are gone already
  expect_error(ExitCode::io, {h5().string(), "cannot write"},
               [&] { return TraceWriter::create(directory_, kAttributes, kFigures); });
  EXPECT_FALSE(std::filesystem::exists(rows()));
}

TEST_F(Traces, AFullDiskIsSaidAndTheRowsAreKept) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 20);
  trace->sync();
  append(*trace, 21, 40);
  {
    const SizeLimit limit(static_cast<rlim_t>(std::filesystem::file_size(rows())) + 100);
    expect_error(ExitCode::io, {rows().string(), "cannot write"}, [&] { trace->sync(); });
    expect_error(ExitCode::io, {h5().string(), "cannot write"}, [&] { trace->publish(); });
  }
  expect_rows(read_trace(directory_), 20);
  trace->sync();  // there is room again
  expect_rows(read_trace(directory_), 40);
}

TEST_F(Traces, PublishesInBetweenOnlyWhileThatIsCheap) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_FALSE(trace->publish_if_cheap(1e9)) << "nothing is new";
  append(*trace, 1, 10);
  EXPECT_FALSE(trace->publish_if_cheap(0)) << "no time has passed to take 1 % of";
  EXPECT_FALSE(trace->publish_if_cheap(1e-4));
  EXPECT_TRUE(trace->publish_if_cheap(1e9));
  expect_rows(read_trace(h5()), 10);
  append(*trace, 11, 11);
  EXPECT_FALSE(trace->publish_if_cheap(1e9)) << "a second has not passed";
}

TEST_F(Traces, SurvivesKillsAtAnyTime) {
  for (int trial = 0; trial < 12; ++trial) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
      for (std::int64_t i = 0;; ++i) {
        append(*trace, 10 * i + 1, 10 * i + 10);
        i % 3 == 0 ? trace->publish() : trace->sync();
      }
    }
    while (!std::filesystem::exists(h5())) ::usleep(200);
    ::usleep(static_cast<useconds_t>(5000 + 3700 * trial));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto have = static_cast<std::int64_t>(read_trace(directory_).steps.at("step").size());
    const Trace read = read_trace(directory_);
    if (have % 10 == 0) expect_rows(read, have);
    const auto trace = TraceWriter::resume(directory_, have / 20 * 10, kAttributes, kFigures);
    expect_rows(read_trace(directory_), have / 20 * 10);
    std::filesystem::remove(h5());
  }
}

TEST_F(Traces, ErrorsNameTheFile) {
  expect_error(ExitCode::input_missing, {h5().string(), "No such file"}, [&] { return read_trace(directory_); });
  expect_error(ExitCode::cannot_create, {"none/trace.h5"},
               [&] { return TraceWriter::create(directory_ / "none", kAttributes, kFigures); });
  TraceWriter::create(directory_, kAttributes, kFigures);
  auto bytes = bytes_of(h5());
  put_file(h5(), std::span(bytes).first(bytes.size() / 2));
  expect_error(ExitCode::bad_data, {h5().string()}, [&] { return read_trace(directory_); });
  expect_error(ExitCode::bad_data, {h5().string()}, [&] { return TraceWriter::resume(directory_, 3, kAttributes, kFigures); });
}

TEST_F(Traces, OtherFilesAndNewerFormatsAreRefused) {
  if (!python_has(directory_, "h5py")) GTEST_SKIP() << "no h5py here to make such files with";
  { append(*TraceWriter::create(directory_, kAttributes, kFigures), 1, 20); }
  TraceWriter::resume(directory_, 20, kAttributes, kFigures);
  const Ran ran = python(directory_, R"(
import h5py, shutil
for name in 'newer', 'other', 'short', 'without': shutil.copy('trace.h5', name + '.h5')
h5py.File('newer.h5', 'r+').attrs['format_version'] = 2
del h5py.File('other.h5', 'r+').attrs['format']
f = h5py.File('short.h5', 'r+'); del f['loss']; f['loss'] = [1.0, 2.0]
del h5py.File('without.h5', 'r+')['timing/update']
)");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto read = [&](const char* name) { return [file = directory_ / name] { return read_trace(file); }; };
  expect_error(ExitCode::bad_data, {"newer.h5", "found trace format 2, expected 1 or older"}, read("newer.h5"));
  expect_error(ExitCode::bad_data, {"other.h5", "no talweg trace"}, read("other.h5"));
  expect_error(ExitCode::bad_data, {"short.h5", "column 'loss'", "found 2 rows, expected 20"}, read("short.h5"));
  expect_error(ExitCode::bad_data, {"without.h5", "/timing/update is missing"}, read("without.h5"));
}

TEST_F(Traces, OpensInH5py) {
  if (!python_has(directory_, "h5py")) GTEST_SKIP() << "no h5py here";
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  append(*trace, 1, 9000);
  trace->append(TraceEvent{3, 1, "note", "ünï"});
  trace->publish();
  const Ran ran = python(directory_, R"(
import h5py, numpy, zlib
f = h5py.File('trace.h5', 'r')
step = numpy.arange(1, 9001)
assert (f['step'][:] == step).all() and abs(f['loss'][:] - numpy.sin(step)).max() < 1e-15
assert (f['timing/other'][:] == step + 0.8).all()
assert f['loss'].compression == 'gzip' and f['loss'].shuffle and f['loss'].ndim == 1
assert f['loss'].chunks == (8192,) and len(zlib.decompress(f['loss'].id.read_direct_chunk((8192,))[1])) == 8192 * 8
assert f['step'].dtype == 'i8' and f['loss'].dtype == 'f8'
assert f['loss'].attrs['long_name'].decode().startswith('mean loss') and f['seconds'].attrs['units'] == b's'
assert h5py.h5ds.is_scale(f['step'].id) and f['loss'].dims[0][0] == f['step'] and f['timing/gradient'].dims[0][0] == f['step']
assert f['evaluation/train_loss'].dims[0][0] == f['evaluation/step'] and f['evaluation/step'][:].tolist() == list(range(10, 9001, 10))
assert f['events/message'].dtype.kind == 'S' and f['events/message'][0].decode() == 'ünï'
assert f.attrs['seed'] == 7 and f.attrs['host'].decode() == 'häst' and f.attrs['config'].decode() == '[run]\nseed = 7\n'
for name, group in (('/', f), ('timing', f['timing']), ('evaluation', f['evaluation']), ('events', f['events'])):
    for d in group.values():
        if isinstance(d, h5py.Dataset): assert 'units' in d.attrs and 'long_name' in d.attrs, d
)");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(Traces, OpensInXarray) {
  if (!python_has(directory_, "xarray, h5netcdf")) GTEST_SKIP() << "no xarray with an HDF5 engine (h5netcdf) here";
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  for (const std::int64_t last : {0, 50}) {
    append(*trace, 1, last);
    trace->publish();
    const Ran ran = python(directory_, "last = " + std::to_string(last) + R"(
import xarray
d = xarray.open_dataset('trace.h5', engine='h5netcdf')
assert d.loss.dims == ('step',) and d.step.values.tolist() == list(range(1, last + 1)) and d.attrs['host'] == 'häst'
assert last == 0 or float(d.gradient_norm.sel(step=7)) == 7.1
e = xarray.open_dataset('trace.h5', engine='h5netcdf', group='evaluation')
assert e.train_loss.dims == ('step',) and e.step.values.tolist() == list(range(10, last + 1, 10))
assert xarray.open_dataset('trace.h5', engine='h5netcdf', group='timing').other.shape == (last,)
assert 'message' in xarray.open_dataset('trace.h5', engine='h5netcdf', group='events')
)");
    EXPECT_EQ(ran.status, 0) << ran.output;
  }
}

TEST_F(Traces, AMillionRowsArePublished) {
  const auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  constexpr std::int64_t kRows = 1000000;
  for (std::int64_t i = 1; i <= kRows; ++i) trace->append(row(i));
  trace->publish();
  const Trace read = read_trace(h5());
  ASSERT_EQ(read.steps.at("loss").size(), static_cast<std::size_t>(kRows));
  EXPECT_EQ(read.steps.at("gradient_norm").back(), 1e6 + 0.1);
}

}  // namespace
}  // namespace talweg::io
