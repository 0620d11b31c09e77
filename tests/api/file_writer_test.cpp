#include "api/file_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../base/expect_error.h"

namespace rustml::api {
namespace {

using base::Status;
namespace fs = std::filesystem;

class FileWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/rustml-writer-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
  }
  void TearDown() override { fs::remove_all(directory); }
  size_t n_files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator())); }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string directory;
};

TEST_F(FileWriterTest, TheFileAppearsWhole) {
  const std::string path = directory + "/a";
  FileWriter writer(path);
  writer.write("hello ", 6);
  EXPECT_FALSE(fs::exists(path));
  writer.write("world", 5);
  writer.commit();
  EXPECT_EQ(content(path), "hello world");
  EXPECT_EQ(n_files(), 1u);
}

TEST_F(FileWriterTest, WithoutCommitTheOldFileStays) {
  const std::string path = directory + "/a";
  std::ofstream(path) << "old";
  {
    FileWriter writer(path);
    writer.write("new", 3);
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(n_files(), 1u);
}

TEST_F(FileWriterTest, PlacesThatAreNoFiles) {
  EXPECT_ERROR(FileWriter{directory}, Status::invalid_argument, "is a directory");
  const std::string fifo = directory + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_ERROR(FileWriter{fifo}, Status::invalid_argument, "FIFO");
  EXPECT_ERROR(FileWriter{"/dev/null"}, Status::invalid_argument, "device");
  EXPECT_ERROR(FileWriter{directory + "/no/such"}, Status::not_found, "No such file");
  EXPECT_ERROR(FileWriter{std::string(directory + "/").append(100000, 'x')}, Status::invalid_argument, "too long");
}

TEST_F(FileWriterTest, LongestNameIsPossible) {
  const std::string path = directory + "/" + std::string(255, 'n');
  FileWriter writer(path);
  writer.commit();
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(FileWriterTest, AFullDiskIsReportedAndLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1000, old.rlim_max};
  const std::string block(600, 'x');
  {
    FileWriter writer(directory + "/a");
    setrlimit(RLIMIT_FSIZE, &small);
    writer.write(block.data(), block.size());
    EXPECT_ERROR(writer.write(block.data(), block.size()), Status::resource_exhausted, "writing: File too large");
    setrlimit(RLIMIT_FSIZE, &old);
  }
  EXPECT_EQ(n_files(), 0u);
}

}  // namespace
}  // namespace rustml::api
