// Listing, verifying and removing what resolve fetched, and entries of others beside it.
#include "hub/inventory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "hub_server.h"

namespace rustml::hub_test {
namespace {

TEST(Inventory, ListsModelsAndPassesOverTheRest) {
  const Hub hub;
  EXPECT_TRUE(hub.list().find("repositories")->items.empty());
  const std::string path = hub.resolve("org/model").path;
  for (const char* other :
       {"datasets--org--data/snapshots/x", ".locks/models--org--name", "models--a--b--c", "models--org--empty/snapshots/nocommit"})
    fs::create_directories(hub.cache() / other);
  std::ofstream(hub.cache() / "version.txt") << "1";
  std::ofstream(hub.cache() / "models--org--file") << "";
  const base::Json list = hub.list();
  EXPECT_EQ(text_of(list, "cache"), hub.cache());
  const auto& repositories = list.find("repositories")->items;
  ASSERT_EQ(repositories.size(), 2u);
  EXPECT_EQ(text_of(repositories[0], "id"), "org/empty");
  EXPECT_EQ(text_of(repositories[1], "id"), "org/model");
  EXPECT_EQ(number_of(repositories[1], "bytes"), 3'000'000 + 21 + 3);
  const base::Json& revision = repositories[1].find("revisions")->items.at(0);
  EXPECT_EQ(text_of(revision, "commit"), fs::path(path).filename());
  EXPECT_EQ(revision.find("refs")->items.at(0).string, "main");
  EXPECT_EQ(revision.find("files")->items.size(), 4u);
}

TEST(Inventory, VerifySaysWhichFileIsWrong) {
  const Hub hub;
  const fs::path path = hub.resolve("org/model").path;
  EXPECT_EQ(hub.verify("org/model").status, RUSTML_OK);
  EXPECT_EQ(hub.verify("org/other").status, RUSTML_NOT_FOUND);
  std::fstream(path / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary).put('x');
  fs::remove(fs::canonical(path / "config.json"));
  const Outcome outcome = hub.verify("org/model@main");
  EXPECT_EQ(outcome.status, RUSTML_DATA_LOSS);
  const base::Json detail = base::parse_json(outcome.detail, "detail");
  const auto& wrong = detail.find("wrong")->items;
  ASSERT_EQ(wrong.size(), 2u);
  for (const base::Json& entry : wrong)
    EXPECT_EQ(text_of(entry, "problem"), text_of(entry, "file") == "config.json" ? "missing" : "other bytes than its name says");
}

TEST(Inventory, RemovesRepositoriesRevisionsAndFiles) {
  const Hub hub;
  uint64_t freed = 0;
  hub.resolve("org/model");
  EXPECT_EQ(hub.remove("org/model", &freed).status, RUSTML_OK);
  EXPECT_EQ(freed, 3'000'024u);
  EXPECT_FALSE(fs::exists(hub.cache() / "models--org--model"));
  EXPECT_EQ(hub.remove("org/model").status, RUSTML_NOT_FOUND);

  const fs::path file = hub.resolve("org/gguf/model Q4_0.gguf").path;
  const fs::path split = hub.resolve("org/gguf/sub/split-00001-of-00002.gguf").path;
  EXPECT_EQ(hub.remove("org/gguf/sub/split-00002-of-00002.gguf", &freed).status, RUSTML_OK);
  EXPECT_EQ(freed, 50'000u) << "both parts";
  EXPECT_FALSE(fs::exists(split.parent_path()));
  // Another revision that shares a blob: the blob stays until the last one goes.
  const fs::path folder = hub.cache() / "models--org--gguf";
  const std::string other(40, 'c');
  fs::create_directories(folder / "snapshots" / other);
  fs::copy(file, folder / "snapshots" / other / "copy.gguf", fs::copy_options::copy_symlinks);
  EXPECT_EQ(hub.remove("org/gguf@main", &freed).status, RUSTML_OK);
  EXPECT_EQ(freed, 0u);
  EXPECT_FALSE(fs::exists(folder / "refs/main"));
  EXPECT_EQ(hub.verify("org/gguf").status, RUSTML_OK);
  EXPECT_EQ(hub.remove("org/gguf@" + other, &freed).status, RUSTML_OK);
  EXPECT_EQ(freed, 40'000u);
  EXPECT_FALSE(fs::exists(folder)) << "nothing is left in it";
}

}  // namespace
}  // namespace rustml::hub_test
