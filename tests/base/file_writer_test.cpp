#include "base/file_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "expect_error.h"

namespace {
std::atomic<bool> without_unnamed_files{false};
std::atomic<int> write_outcome{1};  // 0: nothing is taken; < 0: an errno
}  // namespace

// A system without /proc cannot name an unnamed file; the writer then takes a named one.
extern "C" int access(const char* path, int mode) noexcept {
  if (without_unnamed_files && std::string_view(path).starts_with("/proc/self/fd/")) return errno = ENOENT, -1;
  return static_cast<int>(syscall(SYS_faccessat, AT_FDCWD, path, mode));
}

extern "C" ssize_t write(int fd, const void* data, size_t n) {
  if (write_outcome == 1) return syscall(SYS_write, fd, data, n);
  errno = -write_outcome;
  return write_outcome == 0 ? 0 : -1;
}

namespace rustml::base {
namespace {

namespace fs = std::filesystem;

class FileWriterTest : public testing::TestWithParam<bool> {  // without unnamed files
 protected:
  void SetUp() override {
    char name[] = "/tmp/rustml-writer-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    path = directory + "/a";
    without_unnamed_files = GetParam();
  }
  void TearDown() override {
    without_unnamed_files = false;
    fs::remove_all(directory);
  }
  size_t n_files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator())); }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void save(const std::string& path, const std::string& bytes) {
    FileWriter writer(path);
    writer.write(bytes.data(), bytes.size());
    writer.commit();
  }
  static struct stat info(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info;
  }
  // What waitpid says of a process that did `work` and then ended with 0.
  static int in_a_process(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child == 0) {
      work();
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int state = -1;
    waitpid(child, &state, 0);
    return state;
  }
  std::string directory, path;
};
INSTANTIATE_TEST_SUITE_P(, FileWriterTest, testing::Bool(), [](const auto& info) { return info.param ? "Named" : "Unnamed"; });

TEST_P(FileWriterTest, TheFileAppearsWhole) {
  FileWriter writer(path);
  writer.write("hello ", 6);
  EXPECT_FALSE(fs::exists(path));
  writer.write("world", 5);
  writer.commit();
  EXPECT_EQ(content(path), "hello world");
  EXPECT_EQ(n_files(), 1u);
}

TEST_P(FileWriterTest, WithoutCommitTheOldFileStays) {
  std::ofstream(path) << "old";
  {
    FileWriter writer(path);
    writer.write("new", 3);
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(n_files(), 1u);
}

TEST_P(FileWriterTest, PlacesThatAreNoFiles) {
  EXPECT_ERROR(FileWriter{directory}, Status::invalid_argument, "is a directory");
  const std::string fifo = directory + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_ERROR(FileWriter{fifo}, Status::invalid_argument, "FIFO");
  EXPECT_ERROR(FileWriter{"/dev/null"}, Status::invalid_argument, "device");
  EXPECT_ERROR(FileWriter{directory + "/no/such"}, Status::not_found, "No such file");
  EXPECT_ERROR(FileWriter{std::string(directory + "/").append(100000, 'x')}, Status::invalid_argument, "too long");
  fs::create_symlink("loop", directory + "/loop");
  EXPECT_ERROR(FileWriter{directory + "/loop"}, Status::not_found, "links");
  fs::create_symlink(directory, directory + "/folder");
  EXPECT_ERROR(FileWriter{directory + "/folder"}, Status::invalid_argument, "is a directory");
}

TEST_P(FileWriterTest, LongestNameIsPossible) {
  path = directory + "/" + std::string(255, 'n');
  save(path, "");
  EXPECT_TRUE(fs::exists(path));
}

TEST_P(FileWriterTest, AnOldFileKeepsItsMode) {
  for (const mode_t mode : {0600, 0640, 0644, 0664, 0444, 0777}) {
    std::ofstream(path) << "old";
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    save(path, "new");
    EXPECT_EQ(content(path), "new");
    EXPECT_EQ(info(path).st_mode & 07777, mode);
    fs::remove(path);
  }
}

TEST_P(FileWriterTest, ANewFileFollowsTheUmask) {
  for (const mode_t mask : {0022, 0077, 0002}) {
    const mode_t before = umask(mask);
    save(path, "new");
    umask(before);
    EXPECT_EQ(info(path).st_mode & 07777, 0666u & ~mask);
    fs::remove(path);
  }
}

TEST_P(FileWriterTest, AnOldFileKeepsOwnerAndGroupWherePermitted) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give files to others";
  std::ofstream(path) << "old";
  ASSERT_EQ(chown(path.c_str(), 1234, 5678), 0);
  ASSERT_EQ(chmod(path.c_str(), 0664), 0);
  save(path, "new");
  EXPECT_EQ(info(path).st_uid, 1234u);
  EXPECT_EQ(info(path).st_gid, 5678u);
  EXPECT_EQ(info(path).st_mode & 07777, 0664u);
  // Somebody else who may write the folder becomes the owner; what was for the old group is not for the new one.
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  EXPECT_EQ(in_a_process([&] {
              EXPECT_EQ(setgid(4321), 0);
              EXPECT_EQ(setuid(4321), 0);
              save(path, "newer");
            }),
            0);
  EXPECT_EQ(content(path), "newer");
  EXPECT_EQ(info(path).st_uid, 4321u);
  EXPECT_EQ(info(path).st_mode & 07777, 0644u);
}

TEST_P(FileWriterTest, ALinkStaysAndItsTargetIsWritten) {
  fs::create_directory(directory + "/folder");
  const std::string target = directory + "/folder/target", link = directory + "/link", chain = directory + "/chain";
  fs::create_symlink("folder/target", link);
  fs::create_symlink(link, chain);
  save(chain, "first");  // leads to nothing yet
  EXPECT_EQ(content(target), "first");
  ASSERT_EQ(chmod(target.c_str(), 0600), 0);
  save(chain, "second");
  EXPECT_EQ(content(target), "second");
  EXPECT_EQ(info(target).st_mode & 07777, 0600u);
  EXPECT_TRUE(fs::is_symlink(link) && fs::is_symlink(chain));
  EXPECT_EQ(fs::read_symlink(link), "folder/target");
  EXPECT_EQ(n_files(), 3u);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory + "/folder"), fs::directory_iterator()), 1);
  fs::create_symlink("absent/target", directory + "/broken");
  EXPECT_ERROR(FileWriter{directory + "/broken"}, Status::not_found, "No such file");
}

TEST_P(FileWriterTest, AKilledWriterLeavesNothingForEver) {
  std::mt19937 random(7);
  const std::string one(300'000, '1'), two(300'000, '2');
  save(path, one);
  size_t n_left = 0;
  for (int i = 0; i < 150; ++i) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) save(path, two), save(path, one);
    usleep(500 + random() % 5000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    n_left += n_files() - 1;
    EXPECT_TRUE(content(path) == one || content(path) == two);
  }
  std::printf("150 kills: %zu temporary files seen afterwards\n", n_left);
  save(path, one);
  EXPECT_EQ(n_files(), 1u);
}

TEST_P(FileWriterTest, WhatALivingWriterWritesStays) {
  FileWriter slow(path);
  slow.write("slow", 4);
  for (int i = 0; i < 20; ++i) {
    save(directory + "/b", "b");
    EXPECT_EQ(in_a_process([&] { save(directory + "/c", "c"); }), 0);
  }
  slow.commit();
  EXPECT_EQ(content(path), "slow");
  EXPECT_EQ(n_files(), 3u);
}

TEST_P(FileWriterTest, StrangersOfTheTemporaryNameStay) {
  fs::create_directory(directory + "/.rustml-1-1.new");
  fs::create_symlink("nowhere", directory + "/.rustml-1-2.new");
  ASSERT_EQ(mkfifo((directory + "/.rustml-1-3.new").c_str(), 0600), 0);
  std::ofstream(directory + "/.rustml-1-4.news") << "mine";
  std::ofstream(directory + "/.rustml-1-5.new") << "left behind";
  save(path, "new");
  EXPECT_EQ(n_files(), 5u);
  EXPECT_FALSE(fs::exists(directory + "/.rustml-1-5.new"));
}

// The default action of SIGXFSZ ends a process; here neither it nor a handler of the host sees the signal.
TEST_P(FileWriterTest, ALimitOfFileSizeIsAnErrorAndLeavesNothing) {
  static std::atomic<int> n_handled;
  for (void (*const handler)(int) : {SIG_DFL, SIG_IGN, static_cast<void (*)(int)>([](int) { ++n_handled; })}) {
    EXPECT_EQ(in_a_process([&] {
                ::signal(SIGXFSZ, handler);
                const rlimit small{1000, RLIM_INFINITY};
                const std::string block(600, 'x');
                FileWriter writer(path);
                setrlimit(RLIMIT_FSIZE, &small);
                writer.write(block.data(), block.size());
                EXPECT_ERROR(writer.write(block.data(), block.size()), Status::resource_exhausted, "writing: File too large");
                sigset_t pending;
                EXPECT_TRUE(sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 0);
                EXPECT_EQ(n_handled, 0);
              }),
              0);
  }
  EXPECT_EQ(n_files(), 0u);
}

TEST_P(FileWriterTest, ASignalThatTheHostLeftWaitingIsStillThere) {
  EXPECT_EQ(in_a_process([&] {
              sigset_t set, pending;
              sigemptyset(&set);
              sigaddset(&set, SIGXFSZ);
              sigprocmask(SIG_BLOCK, &set, nullptr);
              raise(SIGXFSZ);
              save(path, "new");
              EXPECT_TRUE(sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1);
            }),
            0);
}

TEST_P(FileWriterTest, ADiskThatTakesNothingEndsTheWriting) {
  FileWriter writer(path);
  write_outcome = 0;
  EXPECT_ERROR(writer.write("x", 1), Status::resource_exhausted, "No space left");
  write_outcome = 1;
}

TEST_P(FileWriterTest, WhatTheDiskSaysIsTheStatus) {
  FileWriter writer(path);
  for (const auto& [error, status] : {std::pair{ENOSPC, Status::resource_exhausted},
                                      {EDQUOT, Status::resource_exhausted},
                                      {EIO, Status::data_loss},
                                      {EROFS, Status::permission_denied}}) {
    write_outcome = -error;
    EXPECT_ERROR(writer.write("x", 1), status, "writing");
  }
  write_outcome = 1;
}

TEST_P(FileWriterTest, AFullDiskIsReported) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may mount a small disk";
  constexpr int kNoMounts = 99;
  const int state = in_a_process([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", directory.c_str(), "tmpfs", 0, "size=64k") != 0)
      _exit(kNoMounts);
    const std::string block(100'000, 'x');
    EXPECT_ERROR(save(path, block), Status::resource_exhausted, "No space left");
    EXPECT_EQ(n_files(), 0u);
  });
  if (WIFEXITED(state) && WEXITSTATUS(state) == kNoMounts) GTEST_SKIP() << "this system permits no mounts of one's own";
  EXPECT_EQ(state, 0);
}

}  // namespace
}  // namespace rustml::base
