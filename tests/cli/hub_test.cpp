// pull, ls, rm, verify and models named ORG/NAME/FILE, against tests/hub/server.py.
#include "cli/hub.h"

#include <gtest/gtest.h>

#include <fstream>

#include "../hub/server_process.h"
#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Hub, PathsThatExistAreNoModelsOfTheHub) {
  using cli::names_hub_file;
  using cli::names_hub_model;
  EXPECT_TRUE(names_hub_model("org/name"));
  EXPECT_TRUE(names_hub_model("org/name@refs/pr/1"));
  EXPECT_TRUE(names_hub_file("org/name/x.gguf"));
  EXPECT_TRUE(names_hub_file("org/name/sub/x.gguf@v1"));
  for (const char* name : {"name", "./org/name", "/org/name", "~/name", "../org/name", "org/name/more"})
    EXPECT_FALSE(names_hub_model(name)) << name;
  for (const char* name : {"x.gguf", "folder/x.gguf", "/org/name/x.gguf", "org/name/x.bin"}) EXPECT_FALSE(names_hub_file(name)) << name;
  const TemporaryFile file("x.gguf", "");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(file.folder()).parent_path());
  const std::string folder = std::filesystem::path(file.folder()).filename();
  EXPECT_FALSE(names_hub_file(folder + "/sub/misspelt.gguf")) << "its first folder is here";
  EXPECT_FALSE(names_hub_model(folder + "/sub"));
  std::filesystem::current_path(before);
}

#ifdef RUSTML_WITH_HUB
TEST(Hub, PullRunListVerifyRemove) {
  const hub_test::ServerProcess server;
  const TemporaryFile place("cache", "");
  const std::string cache = place.folder() + "/hub";
  const auto environment = [&](const std::string& faults) {
    return std::vector<std::string>{"HF_HUB_CACHE=" + cache,
                                    "HF_ENDPOINT=http://127.0.0.1:" + std::to_string(server.port(0)) + "/" + faults,
                                    "HF_HUB_OFFLINE=", "HF_TOKEN=hf_secret"};
  };
  const auto program = [&](const std::vector<std::string>& words, const std::string& faults = "0") {
    return infer(words, {.environment = environment(faults)});
  };
  const std::string id = "org/tiny/model.gguf";
  const Outcome pulled = program({"pull", id, "--log", "info"});
  ASSERT_EQ(pulled.exit_code, 0) << pulled.err;
  EXPECT_EQ(pulled.err, "Downloading model: " + id + "\n");
  const std::string path = pulled.out.substr(0, pulled.out.size() - 1);
  EXPECT_EQ(read_file(path), read_file(golden("base_q8_0.gguf")));

  const Outcome run = program({"--gguf", id, "--prompt", "hello", "--max-tokens", "4", "--json", "--quiet"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.err.find("model:"), std::string::npos) << run.err;
  EXPECT_EQ(events(run.out).front().find("model")->string, path);
  EXPECT_EQ(program({"info", "--gguf", id}).exit_code, 0);

  const Outcome list = program({"ls"});
  EXPECT_NE(list.out.find("MB  org/tiny@main  (1 file)\n"), std::string::npos) << list.out;
  EXPECT_EQ(base::parse_json(program({"ls", "--json"}).out, "ls").find("repositories")->items.size(), 1u);
  EXPECT_EQ(program({"verify", id}).exit_code, 0);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).put('g');  // GGUF's first letter
  const Outcome damaged = program({"verify", id});
  EXPECT_EQ(damaged.exit_code, 4);
  EXPECT_NE(damaged.err.find("\"model.gguf\""), std::string::npos) << damaged.err;
  EXPECT_NE(program({"rm", id}).out.find("MB freed"), std::string::npos);
  EXPECT_EQ(program({"ls"}).out, "");
  EXPECT_EQ(program({"rm", id}).exit_code, 3);

  EXPECT_EQ(program({"pull", id}, "1,head=500").exit_code, 5);
  EXPECT_EQ(program({"pull", id}, "2,head=403,code=GatedRepo").exit_code, 1);
  EXPECT_EQ(program({"pull", "org/tiny/other.gguf"}).exit_code, 3);
  EXPECT_EQ(program({"pull", "org/../x"}).exit_code, 2);
  EXPECT_EQ(program({"pull"}).exit_code, 2);
  const Outcome late = program({"pull", "org/tiny/model.gguf", "--timeout", "0.3"}, "3,stall=1000");
  EXPECT_EQ(late.exit_code, 124) << late.err;
  EXPECT_EQ(program({"--safetensors", "org/model", "--prompt", "x", "--gguf", "y"}).exit_code, 2);
  const Outcome offline =
      infer({"--safetensors", "org/model", "--prompt", "x"}, {.environment = {"HF_HUB_CACHE=" + cache, "HF_HUB_OFFLINE=1"}});
  EXPECT_EQ(offline.exit_code, 3);
  EXPECT_NE(offline.err.find("HF_HUB_OFFLINE"), std::string::npos) << offline.err;
}
#else
TEST(Hub, SaysThatTheLibraryIsNotThere) {
  const Outcome outcome = infer({"pull", "org/name"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE(outcome.err.find("librustml-hub"), std::string::npos) << outcome.err;
}
#endif

}  // namespace
}  // namespace rustml::cli_test
