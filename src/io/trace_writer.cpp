// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "io/trace_reader.hpp"
#include "io/trace_rows.hpp"
#include "io/trace_table.hpp"
#include "talweg/base/error.hpp"
#include "talweg/io/publish.hpp"

namespace talweg::io {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kShareOfTime = 0.01;     // that publishing between checkpoints may cost
constexpr double kExpectedGrowth = 1.25;  // of the next publication's cost over the last
constexpr std::chrono::seconds kPublishEvery{1};

/// Removes the rows after `step` from columns whose "step" ascends.
std::size_t rows_until(const Columns& columns, std::int64_t step) {
  const std::vector<double>& steps = columns.at("step");
  const auto after = std::ranges::find_if(steps, [step](double s) { return s > static_cast<double>(step); });
  return static_cast<std::size_t>(after - steps.begin());
}

void cut(Trace& trace, std::int64_t step) {
  const std::size_t rows = rows_until(trace.steps, step), evaluations = rows_until(trace.evaluation, step);
  for (auto& [name, column] : trace.steps) column.resize(rows);
  for (auto& [name, column] : trace.timing) column.resize(rows);
  for (auto& [name, column] : trace.evaluation) column.resize(evaluations);
  std::erase_if(trace.events, [step](const TraceEvent& e) { return e.step > step; });
}

}  // namespace

class TraceWriter::Content {
 public:
  Content(const fs::path& directory, TraceTable table, std::int64_t generation)
      : file_(directory / kTraceFile), table_(std::move(table)), rows_(directory / kRowsFile), generation_(generation) {}

  void append(const TraceRecord& record) {
    table_.append(record);
    rows_.append(record);
    unpublished_ = true;
  }

  void publish() {
    const Cost cost(*this);
    io::publish(file_, table_.image(file_.string(), generation_ + 1).bytes());
    // A kill here leaves rows of an older generation, which nobody reads: they are in the file just published.
    rows_.start(++generation_);
    unpublished_ = false;
  }

  bool publish_if_cheap(double elapsed) {
    if (!unpublished_ || spent_ + kExpectedGrowth * cost_ > kShareOfTime * elapsed || Clock::now() - published_ < kPublishEvery)
      return false;
    publish();
    return true;
  }

  // Rows that the file has lost are still in the table.
  void write() { rows_.lost() ? publish() : rows_.write(); }
  void sync() { rows_.lost() ? publish() : rows_.sync(); }

 private:
  /// Meters a publication, failed ones too.
  class Cost {
   public:
    explicit Cost(Content& content) : content_(content) {}
    ~Cost() {
      content_.published_ = Clock::now();
      content_.cost_ = std::chrono::duration<double>(content_.published_ - begin_).count();
      content_.spent_ += content_.cost_;
    }
    Cost(const Cost&) = delete;
    Cost& operator=(const Cost&) = delete;

   private:
    Content& content_;
    Clock::time_point begin_ = Clock::now();
  };

  fs::path file_;
  TraceTable table_;
  RowsWriter rows_;
  std::int64_t generation_;
  bool unpublished_ = false;
  Clock::time_point published_;
  double cost_ = 0;   // seconds of the last publication
  double spent_ = 0;  // of all
};

TraceWriter::TraceWriter(std::unique_ptr<Content> content) : content_(std::move(content)) { content_->publish(); }

TraceWriter::~TraceWriter() {
  try {
    content_->write();
  } catch (const base::Error&) {
    // Whoever needs to know has called sync() or publish().
  }
}

std::unique_ptr<TraceWriter> TraceWriter::create(const fs::path& directory, const TraceAttributes& attributes,
                                                 const std::vector<std::string>& figures) {
  remove_leftovers(directory);
  // Before the new trace.h5 is there: the generation begins anew, and old rows might seem to belong to it.
  std::error_code ignored;
  fs::remove(directory / kRowsFile, ignored);
  return std::unique_ptr<TraceWriter>(
      new TraceWriter(std::make_unique<Content>(directory, TraceTable(attributes, figures), 0)));
}

std::unique_ptr<TraceWriter> TraceWriter::resume(const fs::path& directory, std::int64_t step,
                                                 const TraceAttributes& attributes, const std::vector<std::string>& figures) {
  std::error_code ignored;
  if (!fs::exists(directory / kTraceFile, ignored)) return create(directory, attributes, figures);
  remove_leftovers(directory);
  ReadTrace read = read_trace_files(directory / kTraceFile);
  cut(read.trace, step);
  return std::unique_ptr<TraceWriter>(
      new TraceWriter(std::make_unique<Content>(directory, TraceTable(read.trace, attributes, figures), read.generation)));
}

void TraceWriter::append(const TraceRecord& record) { content_->append(record); }

void TraceWriter::write() { content_->write(); }

void TraceWriter::sync() { content_->sync(); }

void TraceWriter::publish() { content_->publish(); }

bool TraceWriter::publish_if_cheap(double elapsed) { return content_->publish_if_cheap(elapsed); }

}  // namespace talweg::io
