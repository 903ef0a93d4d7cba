// SPDX-License-Identifier: Apache-2.0
// The trace: records are read back, by Talweg and by other programs.
#include "io/trace_mark.hpp"
#include "tests/io/trace_support.hpp"

namespace talweg::io {
namespace {

using base::ExitCode;

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

// The mark of a row in a checkpoint equals that of the row when it is read back from trace.h5 or trace.rows, and of no other
// row.
TEST_F(Traces, ARowHasTheMarkItWasWrittenWith) {
  auto trace = TraceWriter::create(directory_, kAttributes, kFigures);
  StepRow odd = row(3);
  odd.loss = std::nan("");
  odd.learning_rate = -0.0;
  for (const StepRow& r : {row(1), row(2)}) trace->append(r);
  trace->publish();
  for (const StepRow& r : {odd, row(4)}) trace->append(r);
  trace->write();
  const Trace read = read_trace(directory_);
  const std::vector<StepRow> written = {row(1), row(2), odd, row(4)};
  for (std::size_t i = 0; i < written.size(); ++i) {
    for (std::size_t j = 0; j < written.size(); ++j) EXPECT_EQ(mark_of(read, i) == mark_of(written[j]), i == j) << i << j;
  }
  StepRow later = odd;
  later.seconds += 1;
  later.part += 1;
  later.timing_other += 1;
  EXPECT_EQ(mark_of(later), mark_of(odd));
  for (double StepRow::*field : {&StepRow::loss, &StepRow::gradient_norm, &StepRow::update_norm, &StepRow::parameter_norm}) {
    StepRow other = row(4);
    other.*field = std::nextafter(other.*field, 0.0);
    EXPECT_NE(mark_of(other), mark_of(row(4)));
  }
  const StepRow plain{.step = 7, .epoch = 0.5, .examples = 2, .gradient_evaluations = 3, .loss = 0.25, .learning_rate = 0.5};
  EXPECT_EQ(mark_of(plain), 1919804574306735674LL) << "checkpoints of earlier versions keep it";
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

}  // namespace
}  // namespace talweg::io
