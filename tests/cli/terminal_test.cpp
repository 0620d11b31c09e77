#include "cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "cli/client.h"
#include "cli/system.h"

namespace rustml::cli {
namespace {

// Runs `function` with `fd` as standard output.
template <class Function>
void with_stdout(int fd, Function&& function) {
  fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  dup2(fd, STDOUT_FILENO);
  close(fd);
  try {
    function();
  } catch (...) {
    dup2(saved, STDOUT_FILENO);
    close(saved);
    throw;
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
}

TEST(Terminal, AClosedReaderIsNotAnError) {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_THROW(with_stdout(ends[1], [] { write_answer("x"); }), OutputClosed);
}

TEST(Terminal, AFullDiskIs) {
  try {
    with_stdout(open("/dev/full", O_WRONLY), [] { write_answer("x"); });
    FAIL() << "written";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), RUSTML_RESOURCE_EXHAUSTED);
  }
}

TEST(Terminal, PeakMemoryCountsWhatWasTouched) {
  constexpr size_t kBytes = 64u << 20;
  const uint64_t before = peak_resident_bytes();
  ASSERT_GT(before, 0u);
  std::vector<char> block(kBytes, 'x');
  EXPECT_GE(peak_resident_bytes(), kBytes) << block[kBytes / 2];
}

}  // namespace
}  // namespace rustml::cli
