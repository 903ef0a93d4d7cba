// SPDX-License-Identifier: Apache-2.0
#include "io/trace_writer.hpp"

#include <fcntl.h>

#include <chrono>
#include <functional>
#include <optional>

#include "io/atomic_file.hpp"
#include "io/published_trace.hpp"
#include "io/read_file.hpp"
#include "io/trace_file.hpp"
#include "io/trace_rows.hpp"
#include "talweg/error.hpp"

namespace talweg::io {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kShareOfTime = 0.01;         // share of the time that publishing between checkpoints may cost
constexpr double kShareAtCheckpoints = 0.02;  // share of the time between two checkpoints
constexpr double kExpectedGrowth = 1.25;      // expected ratio of the costs of two publications
constexpr std::chrono::seconds kPublishEvery{1};
constexpr std::size_t kPartsAtOnce = 256;  // chunks of some 30 kB that are sent to the disk together
constexpr std::size_t kRowsAtOnce = 1024;  // `between` is called after so many rows

}  // namespace

/// Between publications memory holds only the rows that are not on the disk yet. A publication copies the earlier trace.h5
/// chunk by chunk and adds the rows of trace.rows.
class TraceWriter::Content {
 public:
  Content(const fs::path& directory, TraceAttributes attributes, std::vector<std::string> figures)
      : file_(directory / kTraceFile),
        attributes_(std::move(attributes)),
        figures_(std::move(figures)),
        rows_file_(directory / kRowsFile),
        rows_(rows_file_) {}

  /// The first publication: an empty one.
  void begin() {
    const Cost cost(*this);
    replace(nullptr, [](const Take&) {});
  }

  /// The step of the last row that resume() has kept; 0: none.
  [[nodiscard]] std::int64_t last_step() const { return last_step_; }

  /// The first publication: the content of the files up to `step`.
  void begin_from(Descriptor trace, std::int64_t step, const Rows& earlier) {
    const Cost cost(*this);
    const PublishedTrace published(file_.string(), trace.get(), step);
    generation_ = published.generation();
    last_step_ = published.last_step();
    for (const auto& [name, value] : attributes_of(published.root())) attributes_.try_emplace(name, value);
    replace(&published, [&](const Take& take) {
      read_rows(earlier, published.generation(), [&](const TraceRecord& record) {
        if (std::visit([](const auto& row) { return row.step; }, record) > step) return;
        if (const auto* row = std::get_if<StepRow>(&record)) last_step_ = std::max(last_step_, row->step);
        take(record);
      });
    });
  }

  /// During a publication rows go to the earlier trace.rows, for readers, and to the next one.
  void append(const TraceRecord& record) {
    rows_.append(record);
    if (!publishing_) return;
    if (!next_) {
      next_.emplace(temporary_name(rows_file_));
      try {
        next_->start(generation_ + 1);
      } catch (const base::Error&) {
        // Its rows stay in memory until it is renamed.
      }
    }
    next_->append(record);
  }

  void while_publishing(std::function<void()> between) { between_ = std::move(between); }

  void publish() {
    const Cost cost(*this);
    const PublishedTrace published(file_.string(), published_.get(), std::nullopt);
    const std::int64_t records = rows_.records();
    replace(&published, [this, records](const Take& take) { rows_.read(records, take); });
  }

  bool publish_if_cheap(double elapsed) {
    if (rows_.records() == 0 || spent_ + kExpectedGrowth * cost_ > kShareOfTime * elapsed ||
        Clock::now() - tried_ < kPublishEvery)
      return false;
    publish();
    return true;
  }

  bool publish_at_checkpoint() {
    const double since = std::chrono::duration<double>(Clock::now() - tried_).count();
    if (rows_.records() == 0 || cost_ > kShareAtCheckpoints * since) return false;
    publish();
    return true;
  }

  // Rows that the file has lost are still in memory.
  void write() {
    if (!publishing_) return rows_.lost() ? publish() : rows_.write();
    if (next_) next_->write();
    rows_.write();
  }
  void sync() { rows_.lost() ? publish() : rows_.sync(); }

 private:
  /// Measures the time of a publication, of failed ones too.
  class Cost {
   public:
    explicit Cost(Content& content) : content_(content) {}
    ~Cost() {
      content_.tried_ = Clock::now();
      content_.cost_ = std::chrono::duration<double>(content_.tried_ - begin_).count();
      content_.spent_ += content_.cost_;
    }
    Cost(const Cost&) = delete;
    Cost& operator=(const Cost&) = delete;

   private:
    Content& content_;
    Clock::time_point begin_ = Clock::now();
  };

  using Take = std::function<void(const TraceRecord&)>;

  /// `each_row` is called twice, because HDF5 needs the number of rows first.
  template <class EachRow>
  void replace(const PublishedTrace* earlier, EachRow each_row) {
    const Publishing publishing(*this);
    TraceShape shape;
    for (const std::string& name : figures_) shape.add_figure(name);
    if (earlier != nullptr) earlier->add_to(shape);
    each_row([&](const TraceRecord& record) { std::visit([&](const auto& row) { shape.add(row); }, record); });
    published_ = replace_file(file_, [&](int descriptor) {
      std::size_t parts = 0;
      const auto between = [&] {
        // Starts writing to the disk early, so that the final fsync has less to wait for.
        if (++parts % kPartsAtOnce == 0) ::sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
        if (between_) between_();
      };
      h5::write_file(file_.string(), descriptor, 0, [&](h5::Group root) {
        TraceFile file(std::move(root), attributes_, shape, generation_ + 1);
        if (earlier != nullptr) file.copy(*earlier, between);
        std::size_t rows = 0;
        each_row([&](const TraceRecord& record) {
          file.append(record);
          if (++rows % kRowsAtOnce == 0) between();
        });
        file.finish();
      });
    });
    ++generation_;
    // A kill here leaves rows of an older generation, which readers ignore: the new trace.h5 has them, except for rows that
    // were added during the publication, which no checkpoint needs.
    if (next_) {
      rows_ = std::move(*next_);
      rows_.rename(rows_file_);
    } else {
      rows_.start(generation_);
    }
    rows_.sync_name();
  }

  /// Marks a publication in progress.
  class Publishing {
   public:
    explicit Publishing(Content& content) : content_(content) { content.publishing_ = true; }
    ~Publishing() {
      content_.publishing_ = false;
      if (!content_.next_) return;
      content_.next_.reset();
      std::error_code ignored;
      fs::remove(temporary_name(content_.rows_file_), ignored);  // already renamed, or not needed
    }
    Publishing(const Publishing&) = delete;
    Publishing& operator=(const Publishing&) = delete;

   private:
    Content& content_;
  };

  fs::path file_;
  TraceAttributes attributes_;
  std::vector<std::string> figures_;
  Descriptor published_;  // the trace.h5 that was published last, even if its name is gone
  fs::path rows_file_;
  RowsWriter rows_;
  std::optional<RowsWriter> next_;  // rows that are added during a publication
  bool publishing_ = false;
  std::function<void()> between_;
  std::int64_t generation_ = 0;
  std::int64_t last_step_ = 0;
  Clock::time_point tried_;  // when the last publication ended
  double cost_ = 0;          // its seconds
  double spent_ = 0;         // of all
};

TraceWriter::TraceWriter(std::unique_ptr<Content> content) : content_(std::move(content)) {}

TraceWriter::~TraceWriter() {
  try {
    content_->write();
  } catch (const base::Error&) {
    // Errors are ignored: a caller that needs the rows has called sync() or publish().
  }
}

std::unique_ptr<TraceWriter> TraceWriter::create(const fs::path& directory, const TraceAttributes& attributes,
                                                 const std::vector<std::string>& figures) {
  remove_leftovers(directory);
  // Removed before the new trace.h5 exists: generations start again, and old rows could be taken for its rows.
  std::error_code ignored;
  fs::remove(directory / kRowsFile, ignored);
  auto content = std::make_unique<Content>(directory, attributes, figures);
  content->begin();
  return std::unique_ptr<TraceWriter>(new TraceWriter(std::move(content)));
}

namespace {

/// The earlier rows. If the name belongs to something else, that is set aside: trace.h5 is not affected.
Descriptor rows_in(const fs::path& directory) {
  const fs::path file = directory / kRowsFile;
  std::error_code error;
  const fs::file_status there = fs::symlink_status(file, error);
  if (!fs::exists(there)) return {};
  if (fs::is_regular_file(there)) return open_file(file);
  set_aside(file, "damaged");
  return {};
}

}  // namespace

std::unique_ptr<TraceWriter> TraceWriter::resume(const fs::path& directory, std::int64_t step,
                                                 const TraceAttributes& attributes, const std::vector<std::string>& figures) {
  std::error_code ignored;
  if (!fs::exists(directory / kTraceFile, ignored)) return create(directory, attributes, figures);
  remove_leftovers(directory);
  const Descriptor rows = rows_in(directory);
  auto content = std::make_unique<Content>(directory, attributes, figures);
  content->begin_from(open_file(directory / kTraceFile), step,
                      {.name = (directory / kRowsFile).string(),
                       .file = rows.get(),
                       .file_bytes = rows.get() < 0 ? 0 : bytes_in(rows.get()),
                       .memory = {}});
  return std::unique_ptr<TraceWriter>(new TraceWriter(std::move(content)));
}

std::int64_t TraceWriter::last_step() const { return content_->last_step(); }

void TraceWriter::while_publishing(std::function<void()> between) { content_->while_publishing(std::move(between)); }

void TraceWriter::append(const TraceRecord& record) { content_->append(record); }

void TraceWriter::write() { content_->write(); }

void TraceWriter::sync() { content_->sync(); }

void TraceWriter::publish() { content_->publish(); }

bool TraceWriter::publish_if_cheap(double elapsed) { return content_->publish_if_cheap(elapsed); }

bool TraceWriter::publish_at_checkpoint() { return content_->publish_at_checkpoint(); }

}  // namespace talweg::io
