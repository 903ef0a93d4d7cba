// SPDX-License-Identifier: Apache-2.0
// Files of a run that are missing or disagree are named. Real runs with lost files are in tests/e2e/lost_files_test.cpp.
#include <gtest/gtest.h>

#include "inspect/verify.hpp"
#include "io/checkpoint_store.hpp"
#include "io/run_directory.hpp"
#include "io/trace_mark.hpp"
#include "tests/support/folder.hpp"

namespace talweg::inspect {
namespace {

class Contradictions : public testing::Test {
 protected:
  Contradictions() {
    folder_.write("trace.h5", "");
    folder_.write("trace.rows", "");
    trace_->steps = {{"step", {1, 2, 3, 4}}, {"part", {0, 0, 0, 0}}};
  }
  /// Of a checkpoint whose file exists.
  CheckpointFacts checkpoint(std::int64_t step) {
    const auto file = io::checkpoint_file("checkpoints", step).string();
    return {.file = folder_.write(file, ""), .step = step, .row = step, .first_row = 1, .row_mark = {}};
  }
  std::vector<FileFinding> found(const std::vector<CheckpointFacts>& checkpoints, std::optional<std::int64_t> best = {}) {
    return contradictions(folder_.path(), summary_, checkpoints, best, trace_);
  }
  /// The one problem that there is.
  std::string problem(const std::vector<FileFinding>& findings) {
    EXPECT_EQ(findings.size(), 1U);
    return findings.empty() ? "" : findings.front().problem;
  }
  test::Folder folder_;
  report::SummaryFacts summary_;
  std::optional<io::Trace> trace_ = io::Trace{};
};

bool says(const std::string& text, const char* piece) { return text.find(piece) != std::string::npos; }

TEST_F(Contradictions, AWholeRunHasNone) { EXPECT_TRUE(found({checkpoint(2), checkpoint(4)}).empty()); }

TEST_F(Contradictions, TheLastCheckpointOfTheSummaryMustExist) {
  summary_ = {.code = 0, .step = 4, .last_checkpoint = 4, .best = -1};
  EXPECT_TRUE(says(problem(found({checkpoint(2)})), "the summary says that it is the last one"));
  EXPECT_TRUE(found({checkpoint(2), checkpoint(4)}).empty());
}

TEST_F(Contradictions, TheBestPointMustExist) {
  CheckpointFacts facts = checkpoint(4);
  facts.best_step = 3;
  EXPECT_TRUE(says(problem(found({facts})), "the run's best point was that of step 3"));
  facts.best_after = true;
  EXPECT_TRUE(found({facts}).empty()) << "the run may have been killed before it wrote best.h5";
  folder_.write("checkpoints/best.h5", "");
  EXPECT_TRUE(found({facts}, 3).empty());
  EXPECT_TRUE(says(problem(found({facts}, 2)), "of step 2, but the run's best point was that of step 3"));
}

TEST_F(Contradictions, TheTraceMustReachTheNewestCheckpoint) {
  EXPECT_TRUE(says(problem(found({checkpoint(6)})), "the trace ends at step 4, the run came to step 6 at least"));
}

TEST_F(Contradictions, RowsMayNotBeMissingWithinTheTrace) {
  trace_->steps["step"] = {1, 2, 4, 5};
  EXPECT_TRUE(says(problem(found({})), "a row of step 4 follows one of step 2"));
  trace_->steps["part"] = {0, 0, 1, 1};
  EXPECT_TRUE(says(problem(found({})), "a row of step 4 follows one of step 2")) << "between parts either";
  trace_->steps["step"] = {2, 4, 5, 7};
  EXPECT_TRUE(found({}).empty()) << "a part may begin anywhere within the stride of the one before";
  CheckpointFacts facts = checkpoint(7);
  EXPECT_TRUE(says(problem(found({facts})), "its first row is of step 2"));
}

TEST_F(Contradictions, ACheckpointMustBelongToTheTrace) {
  for (const char* column : {"epoch", "examples", "gradient_evaluations", "hvp_evaluations", "value_evaluations", "loss",
                             "gradient_norm", "update_norm", "parameter_norm", "learning_rate"})
    trace_->steps[column] = {4, 3, 2, 1};
  CheckpointFacts facts = checkpoint(4);
  facts.row_mark = io::mark_of(*trace_, 3);
  EXPECT_TRUE(found({facts}).empty());
  trace_->steps["loss"][3] = 1.5;
  EXPECT_TRUE(says(problem(found({facts})), "of another run"));
}

}  // namespace
}  // namespace talweg::inspect
