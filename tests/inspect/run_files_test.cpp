// SPDX-License-Identifier: Apache-2.0
#include "inspect/run_files.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "inspect/compare.hpp"
#include "talweg/error.hpp"
#include "tests/support/folder.hpp"

namespace talweg::inspect {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(RunFiles, ArePutInOrder) {
  const test::Folder folder;
  for (const char* name : {"step-000000200.h5", "step-000000030.h5", "best.h5", "step-1000000000.h5"})
    folder.write(std::string("checkpoints/") + name, "");
  const auto files = step_files(folder.path());
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].filename(), "step-000000030.h5");
  EXPECT_EQ(files[2].filename(), "step-1000000000.h5");
  EXPECT_TRUE(step_files(folder / "none").empty());
}

TEST(RunFiles, AreToldApart) {
  const test::Folder folder;
  EXPECT_EQ(kind_of(folder.path()), PathKind::run);
  EXPECT_EQ(kind_of(folder.write("a", "\x89HDF\r\n\x1a\n...")), PathKind::trace);
  EXPECT_EQ(kind_of(folder.write("b", "\x89HDF")), PathKind::checkpoint);
  EXPECT_THROW(kind_of(folder / "none"), base::Error);
}

TEST(RunFiles, ARunIsNamedAfterItsDirectory) {
  for (const char* path : {"/runs/first", "/runs/first/", "/runs/first/trace.h5", "/runs/./first"})
    EXPECT_EQ(run_name(path), "first") << path;
}

TEST(RunFiles, TheLastNumberOfAColumnPassesOverNaN) {
  const io::Columns columns = {{"loss", {3, 2, kNone}}, {"none", {kNone}}};
  EXPECT_EQ(last_number(columns, "loss"), 2);
  EXPECT_TRUE(std::isnan(last_number(columns, "none")));
  EXPECT_TRUE(std::isnan(last_number(columns, "absent")));
}

ComparedRun run(const char* name) {
  ComparedRun run{.name = name, .path = name, .trace = {}};
  run.trace.steps = {{"step", {10, 20}}, {"epoch", {1, 2}}, {"loss", {0.5, 0.25}}, {"gradient_evaluations", {100, 300}}};
  run.trace.evaluation = {{"step", {0, 20}}, {"train_objective", {0.75, 0.25}}, {"valid_accuracy", {kNone, 0.9}}};
  return run;
}

TEST(Compare, AnAxisIsInterpolatedBetweenRows) {
  const io::Trace trace = run("a").trace;
  EXPECT_EQ(axis_value(trace, "step", 7), 7);
  EXPECT_EQ(axis_value(trace, "gradients", 0), 0) << "all counts begin at 0";
  EXPECT_EQ(axis_value(trace, "gradients", 5), 50);
  EXPECT_EQ(axis_value(trace, "gradients", 15), 200);
  EXPECT_EQ(axis_value(trace, "epoch", 99), 2) << "the last known";
  EXPECT_TRUE(std::isnan(axis_value(trace, "seconds", 5)));
}

TEST(Compare, CsvHasWhatWasMeasured) {
  EXPECT_EQ(compare_csv({run("a, b")}, "epoch"),
            "run,epoch,series,value\n"
            "\"a, b\",1,loss,0.5\n\"a, b\",2,loss,0.25\n"
            "\"a, b\",0,train_objective,0.75\n\"a, b\",2,train_objective,0.25\n"
            "\"a, b\",2,valid_accuracy,0.9\n");
}

TEST(Compare, TheTableHasAColumnForEveryFigureThatSomeRunHas) {
  const std::string table = compare_table({run("first"), run("second")});
  EXPECT_NE(table.find("valid_accuracy"), std::string::npos) << table;
  EXPECT_NE(table.find("90.00 %"), std::string::npos) << table;
  EXPECT_EQ(table.find("test_accuracy"), std::string::npos) << table;
}

}  // namespace
}  // namespace talweg::inspect
