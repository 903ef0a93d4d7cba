// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace talweg::test {
namespace {

std::string temporary_file() {
  std::string name = "/tmp/talweg-test-output-XXXXXX";
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) throw std::runtime_error("cannot create " + name);
  close(descriptor);
  return name;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string take(const std::string& file) {
  std::string text = text_of(file);
  unlink(file.c_str());
  return text;
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const std::vector<std::string>& environment)
    : out_file_(temporary_file()), err_file_(temporary_file()) {
  std::vector<char*> arguments;
  for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  setpgid(0, 0);
  std::signal(SIGHUP, SIG_DFL);  // even if the tests themselves were started under nohup
  for (const std::string& e : environment) putenv(const_cast<char*>(e.c_str()));
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(open(out_file_.c_str(), O_WRONLY | O_TRUNC), 1);
  dup2(open(err_file_.c_str(), O_WRONLY | O_TRUNC), 2);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Process::~Process() {
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  unlink(out_file_.c_str());
  unlink(err_file_.c_str());
}

void Process::signal(int number) const { kill(pid_, number); }

std::string Process::err() const { return text_of(err_file_); }

Result Process::wait(std::chrono::seconds deadline) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + deadline;
  Result result;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() > end) {
      result.timed_out = true;
      kill(-pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = take(out_file_);
  result.err = take(err_file_);
  return result;
}

Result run(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  return Process(command, environment).wait();
}

std::vector<std::string> talweg_command(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command;
  if (ranks > 0) {
    command = {"mpirun", "--oversubscribe", "--bind-to", "none", "-n", std::to_string(ranks)};
    if (getuid() == 0) command.insert(command.begin() + 1, "--allow-run-as-root");
  }
  command.emplace_back(TALWEG_PROGRAM);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Result talweg(int ranks, const std::vector<std::string>& arguments) { return run(talweg_command(ranks, arguments)); }

}  // namespace talweg::test
