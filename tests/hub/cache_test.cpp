#include "hub/cache.h"

#include <gtest/gtest.h>

#include <fstream>

#include "hub_server.h"

namespace rustml::hub {
namespace {

const std::string kCommit(40, 'a'), kBlob(40, 'b');

TEST(Cache, FoldersOfRepositories) {
  EXPECT_EQ(folder_of("org/name"), "models--org--name");
  EXPECT_EQ(repository_of("models--org--name"), "org/name");
  EXPECT_EQ(repository_of("models--gpt2"), "gpt2");
  for (const char* other : {"datasets--org--name", ".locks", "version.txt", "models--", "models--a--b--c", "models--..--x"})
    EXPECT_EQ(repository_of(other), "") << other;
}

TEST(Cache, WhatIsWrittenIsFound) {
  const hub_test::Hub place;
  const Cache cache(place.cache().string(), "org/name");
  EXPECT_EQ(cache.commit_of("main"), "");
  cache.set_commit("refs/pr/1", kCommit);
  EXPECT_EQ(cache.commit_of("refs/pr/1"), kCommit);
  EXPECT_EQ(cache.commit_of(kCommit), kCommit);
  EXPECT_FALSE(cache.has(kCommit, "sub/file"));
  fs::create_directories(cache.blobs());
  cache.link(kCommit, "sub/file", kBlob);
  EXPECT_FALSE(cache.has(kCommit, "sub/file")) << "its blob is missing";
  std::ofstream(cache.blob(kBlob)) << "text";
  EXPECT_TRUE(cache.has(kCommit, "sub/file"));
  EXPECT_EQ(fs::read_symlink(cache.snapshot(kCommit) / "sub/file"), fs::path("../../../blobs") / kBlob);
  cache.link(kCommit, "sub/file", kBlob);  // again
  cache.set_absent(kCommit, "none");
  EXPECT_TRUE(cache.is_absent(kCommit, "none"));
  EXPECT_FALSE(cache.is_absent(kCommit, "sub/file"));
}

TEST(Cache, RefsThatAreNoCommits) {
  const hub_test::Hub place;
  const Cache cache(place.cache().string(), "org/name");
  fs::create_directories(cache.folder() / "refs");
  for (const std::string& text : {std::string("../../evil"), kCommit + "\n", std::string(1 << 20, 'a'), std::string()}) {
    std::ofstream(cache.folder() / "refs/main") << text;
    EXPECT_EQ(cache.commit_of("main"), "");
  }
}

}  // namespace
}  // namespace rustml::hub
