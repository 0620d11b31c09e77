// What a model needs, from an honest server: files, links, events, offline, updates.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "../api/painted_stack.h"
#include "hub_server.h"

namespace rustml::hub_test {
namespace {

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

void expect_same_files(const std::string& path, const std::string& repository, const std::set<std::string>& files) {
  EXPECT_EQ(names_in(path), files);
  for (const std::string& file : files) {
    EXPECT_EQ(read_file(fs::path(path) / file), Hub::served(repository + "/" + file)) << file;
    EXPECT_TRUE(fs::read_symlink(fs::path(path) / file).is_relative()) << file;
  }
}

TEST(Resolve, FetchesWhatAModelNeedsAndNothingElse) {
  const Hub hub;
  const Outcome outcome = hub.resolve("org/model");
  ASSERT_EQ(outcome.status, RUSTML_OK) << outcome.message;
  expect_same_files(outcome.path, "org/model", {"config.json", "tokenizer.json", "generation_config.json", "model.safetensors"});
  const fs::path folder = hub.cache() / "models--org--model";
  const std::string commit = fs::path(outcome.path).filename();
  EXPECT_EQ(read_file(folder / "refs/main"), commit);
  EXPECT_EQ(names_in(folder / ".no_exist" / commit),
            (std::set<std::string>{"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"}));
  for (const std::string& blob : names_in(folder / "blobs")) EXPECT_TRUE(blob.size() == 40 || blob.size() == 64) << blob;
  for (const base::Json& entry : hub.log()) EXPECT_EQ(text_of(entry, "encoding"), "identity");
}

TEST(Resolve, ShardsAndSplitFiles) {
  const Hub hub;
  const Outcome sharded = hub.resolve("org/sharded@refs/pr/1");
  ASSERT_EQ(sharded.status, RUSTML_OK) << sharded.message;
  expect_same_files(sharded.path, "org/sharded",
                    {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors.index.json",
                     "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"});
  EXPECT_TRUE(fs::exists(hub.cache() / "models--org--sharded/refs/refs/pr/1"));
  const Outcome file = hub.resolve("org/gguf/model Q4_0.gguf");
  ASSERT_EQ(file.status, RUSTML_OK) << file.message;
  EXPECT_EQ(read_file(file.path), Hub::served("org/gguf/model Q4_0.gguf"));
  const Outcome split = hub.resolve("org/gguf/sub/split-00002-of-00002.gguf");
  ASSERT_EQ(split.status, RUSTML_OK) << split.message;
  EXPECT_TRUE(split.path.ends_with("/sub/split-00001-of-00002.gguf"));
  EXPECT_TRUE(fs::exists(fs::path(split.path).parent_path() / "split-00002-of-00002.gguf"));
}

TEST(Resolve, CachedModelsNeedNoServer) {
  Hub hub;
  const Outcome first = hub.resolve("org/model");
  hub.set_faults("");
  const Outcome again = hub.resolve("org/model");
  EXPECT_EQ(again.path, first.path);
  EXPECT_EQ(hub.resolve("org/model@" + fs::path(first.path).filename().string()).path, first.path);
  EXPECT_EQ(hub.resolve("org/model", {.flags = RUSTML_HUB_OFFLINE}).path, first.path);
  EXPECT_TRUE(hub.log().empty());
  EXPECT_EQ(hub.resolve("org/model", {.flags = RUSTML_HUB_UPDATE}).path, first.path);
  EXPECT_EQ(hub.log().size(), 1u) << "an update of what has not moved is one HEAD";
}

TEST(Resolve, OfflineMakesNoConnection) {
  const Hub hub;
  const Outcome outcome = hub.resolve("org/model", {.flags = RUSTML_HUB_OFFLINE});
  EXPECT_EQ(outcome.status, RUSTML_NOT_FOUND);
  EXPECT_NE(outcome.message.find("HF_HUB_OFFLINE"), std::string::npos);
  setenv("HF_HUB_OFFLINE", "true", 1);
  EXPECT_EQ(hub.resolve("org/model").status, RUSTML_NOT_FOUND);
  unsetenv("HF_HUB_OFFLINE");
  EXPECT_TRUE(hub.log().empty());
}

TEST(Resolve, SaysWhatIsMissing) {
  const Hub hub;
  const auto expect = [&](const std::string& id, int32_t status, const char* part) {
    const Outcome outcome = hub.resolve(id);
    EXPECT_EQ(outcome.status, status) << id;
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
  };
  expect("org/nobody", RUSTML_PERMISSION_DENIED, "set HF_TOKEN");
  expect("org/model@v9", RUSTML_NOT_FOUND, "no revision \"v9\"");
  expect("org/model/x.gguf", RUSTML_NOT_FOUND, "no file \"x.gguf\"");
  expect("org/gguf", RUSTML_NOT_FOUND, "org/gguf/file.gguf");
  expect("org/no-weights", RUSTML_NOT_FOUND, "neither model.safetensors");
  expect("org/lacks-part/x-00001-of-00002.gguf", RUSTML_NOT_FOUND, "x-00002-of-00002.gguf");
}

TEST(Resolve, RefusesHostileShardNames) {
  const Hub hub;
  for (int i = 0; i < 12; ++i) {
    const Outcome outcome = hub.resolve("org/hostile" + std::to_string(i));
    EXPECT_EQ(outcome.status, RUSTML_DATA_LOSS) << i;
    EXPECT_NE(outcome.message.find("names the shard"), std::string::npos) << outcome.message;
  }
  for (const std::string& name : names_in(hub.cache())) EXPECT_EQ(name.find("evil"), std::string::npos) << name;
}

struct Seen {
  std::vector<std::pair<uint64_t, uint64_t>> progress;
  std::vector<std::string> lines;
  int destroyed = 0;
  int32_t answer = 0;
};
int32_t on_event(void* user_data, const rustml_event* event) {
  auto& seen = *static_cast<Seen*>(user_data);
  if (event->kind == RUSTML_EVENT_PROGRESS) seen.progress.emplace_back(event->done, event->total);
  if (event->kind == RUSTML_EVENT_LOG)
    seen.lines.push_back(std::string(event->component) + " " + std::string(event->text, event->text_len));
  return event->kind == RUSTML_EVENT_PROGRESS ? seen.answer : 0;
}
void on_destroy(void* user_data) { ++static_cast<Seen*>(user_data)->destroyed; }

TEST(Resolve, EventsOfACall) {
  const Hub hub;
  Seen seen;
  const rustml_callback callback{sizeof callback, 0, on_event, &seen, on_destroy};
  rustml_call_options call;
  rustml_call_options_init(&call, sizeof call);
  call.progress = &callback;
  ASSERT_EQ(hub.resolve("org/model", {.call = &call}).status, RUSTML_OK);
  ASSERT_EQ(hub.resolve("org/model", {.call = &call}).status, RUSTML_OK);
  EXPECT_EQ(seen.lines, (std::vector<std::string>{"rustml Downloading model: org/model", "rustml Using cached model: org/model"}));
  ASSERT_FALSE(seen.progress.empty());
  EXPECT_EQ(seen.progress.back().first, seen.progress.back().second);
  EXPECT_EQ(seen.progress.back().second, Hub::served("org/model/model.safetensors").size() + 21 + 3);
  EXPECT_EQ(seen.destroyed, 2);
  EXPECT_EQ(hub.resolve("no such id!", {.call = &call}).status, RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(seen.destroyed, 3) << "also when nothing was done";

  seen.answer = 42;
  const Outcome stopped = hub.resolve("org/sharded", {.call = &call});
  EXPECT_EQ(stopped.status, RUSTML_CALLBACK_STOP);
  EXPECT_EQ(stopped.callback_value, 42);
}

TEST(Resolve, RepositoryIdsThatAreNone) {
  const Hub hub;
  for (const char* id :
       {"", "/", "org/", "/name", "../name", "org/..", "org/name@", "org/name@..", "org/name@../../x", "org/name/../x.gguf",
        "org/name/x.safetensors", "org//x.gguf", "a b/c", "org/na--me", "C:/x", "org/con", "org/name\\x", "-org/name", "org/name."})
    EXPECT_EQ(hub.resolve(id).status, RUSTML_INVALID_ARGUMENT) << id;
  EXPECT_TRUE(hub.log().empty());
}

// What rustml_hub.h states, libcurl and OpenSSL included (of these, over http, the sums alone).
TEST(Resolve, NeedsTheStackThatIsStated) {
  Hub hub;
  fs::path deep = hub.cache() / "models--org--deep/snapshots" / std::string(40, 'd');
  for (int i = 0; i < 400; ++i) deep /= "d";
  fs::create_directories(deep);
  std::ofstream(deep / "file") << "x";
  const size_t need = stack_need(
      size_t{1} << 20,
      [](void* argument) {
        const Hub& from = *static_cast<const Hub*>(argument);
        EXPECT_EQ(from.resolve("org/model").status, RUSTML_OK);
        EXPECT_EQ(from.resolve("org/nothing").status, RUSTML_PERMISSION_DENIED);
        EXPECT_EQ(from.verify("org/model").status, RUSTML_OK);
        EXPECT_EQ(from.list().find("repositories")->items.size(), 2u);
        EXPECT_EQ(from.remove("org/deep").status, RUSTML_OK);
        EXPECT_EQ(from.remove("org/model").status, RUSTML_OK);
      },
      &hub);
  std::printf("%zu bytes of stack\n", need);
  EXPECT_LE(need, size_t{64} << 10);
}

}  // namespace
}  // namespace rustml::hub_test
