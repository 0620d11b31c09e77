// What is not there is an answer; what the system refuses has its status.
#include "hub/disk.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <fstream>

namespace rustml::hub {
namespace {

using base::Status;

template <class F>
Status status_of(F&& call) {
  try {
    call();
    return Status::ok;
  } catch (const base::Error& e) {
    return e.status();
  }
}

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

class Disk : public ::testing::Test {
 protected:
  Disk() {
    char name[] = "/tmp/rustml-disk-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~Disk() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Disk, FailuresHaveTheSystemsStatus) {
  const auto status = [](int error) { return status_of([&] { fail_io(error, "cannot write", "x"); }); };
  EXPECT_EQ(status(EACCES), Status::permission_denied);
  EXPECT_EQ(status(ENOSPC), Status::resource_exhausted);
  EXPECT_EQ(status(ENOMEM), Status::resource_exhausted);
  EXPECT_EQ(status(EMFILE), Status::resource_exhausted);
  EXPECT_EQ(status(EIO), Status::data_loss);
}

TEST_F(Disk, WhatIsNotThereIsAnAnswer) {
  EXPECT_TRUE(entries(folder_ / "none").empty());
  EXPECT_EQ(read_file(folder_ / "none", 10), std::nullopt);
  remove_tree(folder_ / "none");
}

TEST_F(Disk, ReadsAtMostSoMuchOfWhatWasWritten) {
  write_file(folder_ / "a", "0123456789");
  EXPECT_EQ(read_file(folder_ / "a", 4), "0123");
  EXPECT_EQ(read_file(folder_ / "a", 100), "0123456789");
  write_file(folder_ / "a", "");
  EXPECT_EQ(read_file(folder_ / "a", 100), "");
}

TEST_F(Disk, RemovesATreeAndNotWhatItsLinksPointTo) {
  fs::create_directories(folder_ / "tree/below");
  write_file(folder_ / "tree/below/file", "x");
  write_file(folder_ / "kept", "x");
  fs::create_directories(folder_ / "other");
  write_file(folder_ / "other/kept", "x");
  fs::create_symlink("../kept", folder_ / "tree/link");
  fs::create_directory_symlink("../other", folder_ / "tree/folder");
  EXPECT_EQ(entries(folder_ / "tree"), (std::vector<fs::path>{folder_ / "tree/below", folder_ / "tree/folder", folder_ / "tree/link"}));
  remove_tree(folder_ / "tree");
  EXPECT_EQ(entries(folder_), (std::vector<fs::path>{folder_ / "kept", folder_ / "other"}));
  EXPECT_EQ(entries(folder_ / "other").size(), 1u);
}

// Without free file descriptors a folder that is there is not taken for empty, nor a file for absent.
TEST_F(Disk, OutOfFileDescriptorsIsNoEmptyFolder) {
  write_file(folder_ / "a", "x");
  rlimit old;
  ::getrlimit(RLIMIT_NOFILE, &old);
  rlimit none = old;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  const Status listed = status_of([&] { entries(folder_); }), read = status_of([&] { read_file(folder_ / "a", 10); });
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(listed, Status::resource_exhausted);
  EXPECT_EQ(read, Status::resource_exhausted);
}

}  // namespace
}  // namespace rustml::hub
