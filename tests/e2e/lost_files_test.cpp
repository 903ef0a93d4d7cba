// SPDX-License-Identifier: Apache-2.0
// A run directory with files that are lost, damaged, or of another type.
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/e2e/run_directory.hpp"

namespace talweg::test {
namespace {

class LostFiles : public RunDirectory {};

TEST_F(LostFiles, NothingBeginsAnewOverDamagedCheckpoints) {
  train_well();
  for (const auto& entry : fs::directory_iterator(run_ / "checkpoints")) fs::resize_file(entry.path(), 1000);
  const Result refused = train({"--set", "run.steps=60"});
  EXPECT_EQ(refused.code, 65) << refused.err;
  EXPECT_TRUE(says(refused, "none intact")) << refused.err;
  EXPECT_TRUE(says(refused, "--fresh")) << refused.err;
  train_well({"--fresh"});
}

TEST_F(LostFiles, WithoutCheckpointsItSaysThatItBeginsAnew) {
  train_well();
  fs::remove_all(run_ / "checkpoints");
  const Result refused = train();
  EXPECT_EQ(refused.code, 66);
  EXPECT_TRUE(says(refused, "step-000000040.h5: not there, but")) << refused.err;
  fs::remove(run_ / "summary.json");  // as if it had been killed before its first
  const Result anew = train();
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_TRUE(says(anew, "starting at step 0")) << anew.err;
}

TEST_F(LostFiles, ADamagedTraceIsSetAside) {
  train_well();
  fs::resize_file(run_ / "trace.h5", 3000);
  const Result more = train({"--set", "run.steps=60"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(says(more, "trace.h5.damaged")) << more.err;
  EXPECT_EQ(fs::file_size(run_ / "trace.h5.damaged"), 3000U);
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 65) << verified.out;
  EXPECT_TRUE(says(verified, "its first row is of step 41: those before are lost")) << verified.out;
}

TEST_F(LostFiles, ALostBestIsWrittenAgainWhenTheRunGoesOn) {
  train_well();
  ASSERT_TRUE(fs::remove(run_ / "checkpoints" / "best.h5"));
  train_well({"--set", "run.steps=41", "--set", "method.lr=1e-30"});  // no later point is better
  const Result exported = talweg(0, {"export", run_.string(), "--best", "-o", (folder_ / "best.npz").string()});
  EXPECT_EQ(exported.code, 0) << exported.err;
}

TEST_F(LostFiles, VerifyMissesWhatIsLost) {
  train_well();
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
  fs::rename(run_ / "trace.h5", run_ / "elsewhere");
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 66);
  fs::rename(run_ / "elsewhere", run_ / "trace.h5");
  std::ofstream(run_ / "summary.json") << "{\"step\": ";
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 65);
  const Result shown = talweg(0, {"show", run_.string()});
  EXPECT_EQ(shown.code, 65);
  EXPECT_NE(shown.err.find("summary.json: damaged"), std::string::npos) << shown.err;
  EXPECT_EQ(shown.err.find("json.exception"), std::string::npos) << shown.err;
  fs::remove_all(run_ / "checkpoints");
  EXPECT_NE(talweg(0, {"verify", run_.string()}).code, 0);
}

// A missing file is noticed if another file refers to it.
TEST_F(LostFiles, VerifyHoldsFilesAgainstEachOther) {
  train_well();
  const auto misses = [&](const fs::path& file, const std::string& name) {
    fs::rename(file, folder_ / "aside");
    const Result result = talweg(0, {"verify", run_.string()});
    EXPECT_EQ(result.code, 66) << file << result.out;
    EXPECT_TRUE(says(result, name)) << result.out;
    EXPECT_TRUE(says(result, "lost")) << result.out;
    fs::rename(folder_ / "aside", file);
    EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
  };
  misses(run_ / "checkpoints/step-000000040.h5", "step-000000040.h5");
  misses(run_ / "checkpoints/best.h5", "best.h5");
  misses(run_ / "trace.rows", "trace.rows");
}

TEST_F(LostFiles, BestH5IsNotYetLostBesideTheFirstCheckpoint) {
  train_well({"--set", "checkpoint.every_steps=0"});  // one, at the end
  fs::remove(run_ / "summary.json");                  // as after a kill between the two
  fs::remove(run_ / "checkpoints/best.h5");
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 0) << verified.out;
}

TEST_F(LostFiles, BestH5IsLostBesideALaterCheckpointThoughItIsTheOnlyOne) {
  train_well({"--set", "checkpoint.keep=1", "--set", "run.nonfinite=rollback"});  // checkpoints wait for the disk
  fs::remove(run_ / "summary.json");
  fs::remove(run_ / "checkpoints/best.h5");
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 66) << verified.out;
}

// The summary would describe an end from which the run has been resumed since, perhaps at an earlier step.
TEST_F(LostFiles, ARunThatIsGoneOnFromHasNoSummaryUntilItEnds) {
  const std::vector<std::string> on_time = {"--set", "run.nonfinite=rollback"};  // checkpoints wait for the disk
  train_well(on_time);
  const auto killed_at = [&](const std::string& step, const std::string& steps) {
    auto command =
        talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--set", "run.steps=" + steps});
    command.insert(command.end(), on_time.begin(), on_time.end());
    EXPECT_EQ(run(command, {"TALWEG_FAULT=kill rank=0 step=" + step}).code, 137);
    EXPECT_FALSE(fs::exists(run_ / "summary.json"));
  };
  killed_at("55", "60");
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
  train_well({"--set", "run.steps=30", on_time[0], on_time[1], "--fresh"});
  fs::remove(run_ / "checkpoints/step-000000030.h5");
  killed_at("25", "30");  // resumed from 20
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 0) << verified.out;
  train_well({"--set", "run.steps=30", on_time[0], on_time[1]});
  EXPECT_EQ(parse_json(read_file(run_ / "summary.json"))["step"], 30);
}

// A best.h5 of the same data, model and seed, but not the newest.
TEST_F(LostFiles, ACheckpointOfAnotherRunIsTold) {
  const std::vector<std::string> on_time = {"--set", "run.nonfinite=rollback"};  // checkpoints wait for the disk
  train_well(on_time);
  const fs::path other = folder_ / "other";
  const auto train_other = [&](const std::string& lr) {
    std::vector<std::string> all = {"train", config_, "--run", other.string(), "--progress", "none", "--fresh"};
    all.insert(all.end(), on_time.begin(), on_time.end());
    all.insert(all.end(), {"--set", "method.lr=" + lr});
    return talweg(0, all).code;
  };
  const char* name = "checkpoints/step-000000030.h5";
  ASSERT_EQ(train_other("0.01"), 0);
  fs::copy_file(other / name, run_ / name, fs::copy_options::overwrite_existing);
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0) << "the same bits";
  ASSERT_EQ(train_other("0.02"), 0);
  fs::copy_file(other / name, run_ / name, fs::copy_options::overwrite_existing);
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 65) << verified.out;
  EXPECT_TRUE(says(verified, "step-000000030.h5: of another run: found another row of step 30")) << verified.out;
}

TEST_F(LostFiles, WhatARunThatGoesOnRemovesIsNotLost) {
  Process process(talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--set",
                                     "run.steps=1000000", "--set", "checkpoint.every_steps=1", "--set", "checkpoint.keep=1"}));
  for (int i = 0; i < 1000 && !fs::exists(run_ / "trace.rows"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (int i = 0; i < 12; ++i) {
    const Result verified = talweg(0, {"verify", run_.string()});
    ASSERT_EQ(verified.code, 0) << verified.out << verified.err;
    const Result same = talweg(0, {"diff", run_.string(), run_.string()});
    ASSERT_LE(same.code, 1) << same.out << same.err;
  }
  process.signal(SIGUSR1);
  EXPECT_EQ(process.wait().code, 75);
}

// A trace that takes a while to read; the last files are written meanwhile.
TEST_F(LostFiles, ARunThatEndsWhileItIsVerifiedIsWhole) {
  Process process(
      talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--set", "run.steps=1000000", "--set",
                         "checkpoint.every_seconds=0.2", "--set", "checkpoint.every_steps=0", "--set", "method.lr=1e-6"}));
  for (int i = 0; i < 200 && !(fs::exists(run_ / "trace.rows") && fs::file_size(run_ / "trace.rows") > 4000000); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
  const auto took = std::chrono::steady_clock::now() - begin;
  Process verify(talweg_command(0, {"verify", run_.string()}));
  std::this_thread::sleep_for(took / 2);
  process.signal(SIGUSR1);
  const Result verified = verify.wait();
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_EQ(process.wait().code, 75);
}

// Killed when only trace.rows had the last rows: without it the checkpoint is ahead of the trace.
TEST_F(LostFiles, VerifyMissesRowsThatACheckpointSpeaksOf) {
  Process process(
      talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--set", "run.steps=1000000", "--set",
                         "checkpoint.every_seconds=0.2", "--set", "checkpoint.every_steps=0"}));
  const auto newest = [&] { return parse_json(talweg(0, {"verify", run_.string(), "--json"}).out)["files"]; };
  for (int i = 0; i < 100 && !(fs::exists(run_ / "trace.rows") && fs::file_size(run_ / "trace.rows") > 2000000); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process.signal(SIGKILL);
  process.wait();
  ASSERT_EQ(talweg(0, {"verify", run_.string()}).code, 0) << newest();
  fs::resize_file(run_ / "trace.rows", 100);
  const Result torn = talweg(0, {"verify", run_.string()});
  fs::remove(run_ / "trace.rows");
  const Result lost = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(torn.code, 65) << torn.out;
  EXPECT_EQ(lost.code, 66) << lost.out;
  EXPECT_TRUE(says(lost, "trace.rows: not there; the trace ends at step")) << lost.out;
}

TEST_F(LostFiles, NothingBeginsAnewOverABestPoint) {
  train_well();
  for (const auto& entry : fs::directory_iterator(run_ / "checkpoints")) {
    if (entry.path().filename() != "best.h5") fs::remove(entry.path());
  }
  const std::string best = read_file(run_ / "checkpoints/best.h5");
  const Result refused = train();
  EXPECT_EQ(refused.code, 66) << refused.err;
  for (const char* piece : {"best.h5", "--fresh", "init.path="}) EXPECT_TRUE(says(refused, piece)) << refused.err;
  EXPECT_EQ(read_file(run_ / "checkpoints/best.h5"), best);
  const Result from_best = talweg(0, {"train", config_, "--run", (folder_ / "next").string(), "--progress", "none", "--set",
                                      "init.kind=file", "--set", "init.path=" + (run_ / "checkpoints/best.h5").string()});
  EXPECT_EQ(from_best.code, 0) << from_best.err;
  train_well({"--fresh"});
}

TEST_F(LostFiles, LostRowsAreToldWhenItGoesOnAndByVerify) {
  train_well({"--set", "run.steps=20"});
  fs::remove(run_ / "trace.h5");
  const Result more = train();
  EXPECT_EQ(more.code, 0);
  EXPECT_TRUE(says(more, "its rows end at step 0, expected step 20")) << more.err;
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 65) << verified.out;
  EXPECT_TRUE(says(verified, "its first row is of step 21")) << verified.out;
}

// trace.every is free to change.
TEST_F(LostFiles, RowsFurtherApartAreNoLostRows) {
  struct Way {
    const char* first;
    const char* steps;
    const char* then;
  };
  for (const Way& way : {Way{"100", "25", "10"}, Way{"10", "15", "4"}, Way{"4", "30", "100"}, Way{"7", "20", "1"}}) {
    train_well({"--fresh", "--set", std::string("trace.every=") + way.first, "--set", std::string("run.steps=") + way.steps});
    const Result more = train({"--set", std::string("trace.every=") + way.then});
    EXPECT_EQ(more.code, 0) << more.err;
    EXPECT_FALSE(says(more, "are lost")) << way.first << ", " << way.then << ": " << more.err;
    const Result verified = talweg(0, {"verify", run_.string()});
    EXPECT_EQ(verified.code, 0) << way.first << ", " << way.then << ": " << verified.out;
  }
}

TEST_F(LostFiles, SomethingElseInTheRowsPlaceCostsNoTrace) {
  train_well({"--set", "run.steps=20"});
  fs::remove(run_ / "trace.rows");
  fs::create_directory(run_ / "trace.rows");
  const Result more = train();
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(fs::is_directory(run_ / "trace.rows.damaged"));
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 0);
}

TEST_F(LostFiles, PipesAndDirectoriesInTheirPlacesAreNotWaitedFor) {
  train_well({"--set", "run.steps=20"});
  const fs::path newest = run_ / "checkpoints/step-000000020.h5";
  fs::remove(newest);
  ASSERT_EQ(mkfifo(newest.c_str(), 0600), 0);
  EXPECT_EQ(talweg(0, {"verify", run_.string()}).code, 65);
  const Result more = train();
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(says(more, "no regular file; skipped, trying an older one")) << more.err;
}

TEST_F(LostFiles, CheckpointsThatCannotBeListedAreNotTakenForNone) {
  train_well();
  fs::rename(run_ / "checkpoints", run_ / "away");
  std::ofstream(run_ / "checkpoints") << "no directory\n";
  const Result verified = talweg(0, {"verify", run_.string()});
  EXPECT_EQ(verified.code, 74) << verified.out << verified.err;
  EXPECT_TRUE(says(verified, "cannot list the checkpoints")) << verified.err;
}

TEST_F(LostFiles, ALostBestOfAFinishedRunIsWrittenAgain) {
  train_well();
  const std::string best = read_file(run_ / "checkpoints/best.h5");
  ASSERT_TRUE(fs::remove(run_ / "checkpoints/best.h5"));
  const Result again = train();
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(says(again, "written again")) << again.err;
  const json expected = parse_json(talweg(0, {"verify", run_.string(), "--json"}).out);
  EXPECT_EQ(expected["intact"], true) << expected;
  EXPECT_EQ(read_file(run_ / "checkpoints/best.h5").size(), best.size());
}

// The name of trace.rows is brought to the disk with its first rows: strace sees the directory synced between the file's
// creation and the first checkpoint's.
TEST_F(LostFiles, TheNameOfTheRowsIsOnTheDiskBeforeACheckpointIs) {
  const auto log = folder_ / "strace";
  std::vector<std::string> command = {"strace", "-f", "-y", "-e", "trace=openat,fsync,rename", "-o", log.string()};
  const auto train = talweg_command(0, {"train", config_, "--run", run_.string(), "--progress", "none", "--threads", "1"});
  command.insert(command.end(), train.begin(), train.end());
  if (run({"strace", "-V"}).code != 0) GTEST_SKIP() << "strace is not installed";
  const Result traced = run(command);
  ASSERT_EQ(traced.code, 0) << traced.err;
  std::ifstream calls(log);
  bool created = false, named = false, saved = false;
  for (std::string line; !saved && std::getline(calls, line);) {
    const auto has = [&](const std::string& piece) { return line.find(piece) != std::string::npos; };
    created = created || (has((run_ / "trace.rows").string()) && has("O_CREAT"));
    named = named || (created && has("fsync(") && has("<" + run_.string() + ">"));
    saved = created && has("rename(") && has("step-");
  }
  EXPECT_TRUE(saved);
  EXPECT_TRUE(named);
}

}  // namespace
}  // namespace talweg::test
