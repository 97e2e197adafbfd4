#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/process/child.h"
#include "trellis/process/memory_file.h"

namespace trellis::process {
namespace {

TimePoint soon() {
  return SteadyClock::now() + std::chrono::seconds(20);
}

// A script of the system's shell, its output in a memory file that is descriptor 3.
std::pair<ExitStatus, std::string> script(const std::string& text, SpawnOptions options = {}) {
  const UniqueFd output = std::move(make_memory_file("output")).value();
  options.executable = "/bin/sh";
  options.arguments = {"sh", "-c", text};
  options.descriptors = {output.get()};
  auto child = Child::spawn(options);
  EXPECT_TRUE(child) << child.error().message();
  const auto status = child->wait_until(soon());
  EXPECT_TRUE(status.has_value());
  const Bytes bytes = std::move(read_memory_file(output.get(), 1 << 20)).value();
  return {*status, std::string(as_text(bytes))};
}

TEST(Child, ReportsItsExitCode) {
  EXPECT_EQ(script("exit 7").first.code, 7);
  EXPECT_TRUE(script("exit 0").first.success());
}

TEST(Child, ReportsTheSignalThatEndedIt) {
  EXPECT_EQ(script("kill -SEGV $$").first.signal, SIGSEGV);
}

TEST(Child, HasOnlyTheDescriptorsThatItWasGiven) {
  const int extra = ::open("/dev/null", O_RDONLY);  // not close-on-exec, on purpose
  const auto [status, text] = script(
      "r=; n=0; while [ $n -lt 100 ]; do [ -e /proc/$$/fd/$n ] && r=\"$r $n\"; n=$((n+1)); done;"
      " echo $r $(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2) >&3",
      {.environment = {"PATH=/usr/bin:/bin"}});
  ::close(extra);
  EXPECT_TRUE(status.success());
  EXPECT_EQ(text, "0 1 2 3 /dev/null /dev/null /dev/null\n");
}

TEST(Child, GetsDescriptorsInOrderWhateverTheirNumbers) {
  const UniqueFd first = std::move(make_sealed_file("a", as_bytes("first"))).value();
  const UniqueFd second = std::move(make_sealed_file("b", as_bytes("second"))).value();
  const UniqueFd output = std::move(make_memory_file("output")).value();
  // Swapped against their numbers, so that a naive dup2 would overwrite one by the other.
  ::lseek(first.get(), 0, SEEK_SET);
  ::lseek(second.get(), 0, SEEK_SET);
  auto child = Child::spawn({.executable = "/bin/sh",
                             .arguments = {"sh", "-c", "cat <&4 >&5; cat <&3 >&5"},
                             .environment = {"PATH=/usr/bin:/bin"},
                             .descriptors = {second.get(), first.get(), output.get()},
                             .limits = {}});
  ASSERT_TRUE(child);
  EXPECT_TRUE(child->wait_until(soon())->success());
  EXPECT_EQ(as_text(*read_memory_file(output.get(), 100)), "firstsecond");
}

TEST(Child, HasAnEmptyEnvironmentAndNoNewPrivileges) {
  ::setenv("TRELLIS_SECRET", "x", 1);
  const auto [status, text] = script(
      "echo \"[$TRELLIS_SECRET]\" >&3; while read l; do case $l in NoNewPrivs*) echo $l >&3;; esac;"
      " done < /proc/$$/status");
  ::unsetenv("TRELLIS_SECRET");
  EXPECT_TRUE(status.success());
  EXPECT_EQ(text, "[]\nNoNewPrivs: 1\n");
}

TEST(Child, RunsUnderItsLimits) {
  const auto [status, text] =
      script("ulimit -n >&3", {.limits = {{.resource = RLIMIT_NOFILE, .soft = 17, .hard = 17}}});
  EXPECT_EQ(text, "17\n");
}

TEST(Child, WaitsNoLongerThanTold) {
  auto child = Child::spawn({.executable = "/bin/sh",
                             .arguments = {"sh", "-c", "while :; do :; done"},
                             .environment = {},
                             .descriptors = {},
                             .limits = {}});
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->wait_until(SteadyClock::now() + std::chrono::milliseconds(10)));
  EXPECT_GT(child->resident_bytes(), 0u);
  child->kill();
  const auto status = child->wait_until(soon());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal, SIGKILL);
  EXPECT_EQ(child->resident_bytes(), 0u);
}

TEST(Child, IsKilledAndReapedByItsOwner) {
  pid_t pid = 0;
  {
    auto child = Child::spawn({.executable = "/bin/sh",
                               .arguments = {"sh", "-c", "while :; do :; done"},
                               .environment = {},
                               .descriptors = {},
                               .limits = {}});
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Child, AMissingProgramIsAnError) {
  const auto child = Child::spawn({.executable = "/nowhere/program",
                                   .arguments = {"program"},
                                   .environment = {},
                                   .descriptors = {},
                                   .limits = {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().reason(), Reason::FileUnreadable);
  EXPECT_THAT(child.error().message(), ::testing::HasSubstr("/nowhere/program"));
}

TEST(MemoryFile, SealedContentStays) {
  const UniqueFd file = std::move(make_sealed_file("sealed", as_bytes("abc"))).value();
  EXPECT_LT(::write(file.get(), "x", 1), 0);
  EXPECT_NE(::ftruncate(file.get(), 0), 0);
  EXPECT_EQ(as_text(*read_memory_file(file.get(), 3)), "abc");
  EXPECT_FALSE(read_memory_file(file.get(), 2));
}

}  // namespace
}  // namespace trellis::process
