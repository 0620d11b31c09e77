#include "base/path.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

namespace rustml::base {
namespace {

namespace fs = std::filesystem;

class ListDirectory : public ::testing::Test {
 protected:
  ListDirectory() {
    char name[] = "/tmp/rustml-list-XXXXXX";
    folder_ = ::mkdtemp(name);
    for (const char* file : {"b", "a", ".hidden"}) std::ofstream(folder_ / file) << "x";
    fs::create_directory(folder_ / "folder");
  }
  ~ListDirectory() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(ListDirectory, NamesEverythingButItselfAndItsParent) {
  std::vector<std::string> names;
  ASSERT_EQ(list_directory(folder_, names), Status::ok);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{".hidden", "a", "b", "folder"}));
  names.clear();
  ASSERT_EQ(list_directory(folder_, names, 2), Status::ok);
  EXPECT_EQ(names.size(), 2u);
}

TEST_F(ListDirectory, RefusalsHaveTheSystemsStatus) {
  std::vector<std::string> names;
  EXPECT_EQ(list_directory(folder_ / "none", names), Status::not_found);
  EXPECT_EQ(list_directory(folder_ / "a", names), Status::not_found) << "a file is no directory";
  rlimit old;
  ::getrlimit(RLIMIT_NOFILE, &old);
  rlimit none = old;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  const Status status = list_directory(folder_, names);
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(status, Status::resource_exhausted);
  EXPECT_TRUE(names.empty());
}

}  // namespace
}  // namespace rustml::base
