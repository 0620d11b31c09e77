#include "hub/settings.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace rustml::hub {
namespace {

constexpr const char* kVariables[] = {"HF_ENDPOINT", "HF_HUB_CACHE",  "HF_HOME",        "XDG_CACHE_HOME",
                                      "HF_TOKEN",    "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HF_HUB_DOWNLOAD_TIMEOUT",
                                      "HOME"};

// What the settings are under this environment alone.
Settings under(std::initializer_list<std::pair<const char*, std::string>> variables, const rustml_hub_options* options = nullptr) {
  for (const char* name : kVariables) unsetenv(name);
  for (const auto& [name, value] : variables) setenv(name, value.c_str(), 1);
  const auto restore = [] {
    for (const char* name : kVariables) unsetenv(name);
    setenv("HOME", "/nonexistent", 1);
  };
  try {
    const Settings settings = read_settings(options);
    restore();
    return settings;
  } catch (...) {
    restore();
    throw;
  }
}

TEST(Settings, TheCacheIsWherePythonHasIt) {
  EXPECT_EQ(under({{"HOME", "/h"}}).cache_dir, "/h/.cache/huggingface/hub");
  EXPECT_EQ(under({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}).cache_dir, "/x/huggingface/hub");
  EXPECT_EQ(under({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "~/f"}}).cache_dir, "/h/f/hub");
  EXPECT_EQ(under({{"HF_HUB_CACHE", "/c"}, {"HF_HOME", "/f"}}).cache_dir, "/c");
  EXPECT_THROW(under({}), base::Error);
}

TEST(Settings, EndpointAndOffline) {
  EXPECT_EQ(under({{"HOME", "/h"}}).endpoint, "https://huggingface.co");
  EXPECT_EQ(under({{"HOME", "/h"}, {"HF_ENDPOINT", "https://mirror/x/"}}).endpoint, "https://mirror/x");
  for (const char* yes : {"1", "true", "YES", "on"}) EXPECT_TRUE(under({{"HOME", "/h"}, {"HF_HUB_OFFLINE", yes}}).offline) << yes;
  for (const char* no : {"0", "", "no"}) EXPECT_FALSE(under({{"HOME", "/h"}, {"HF_HUB_OFFLINE", no}}).offline) << no;
}

TEST(Settings, HowLongAStallMayLast) {
  EXPECT_EQ(under({{"HOME", "/h"}}).stall_s, 30u);
  EXPECT_EQ(under({{"HOME", "/h"}, {"HF_HUB_DOWNLOAD_TIMEOUT", "7"}}).stall_s, 7u);
  for (const char* wrong : {"0", "-1", "1.5", "soon", "86401", "99999999999999999999"})
    EXPECT_THROW(under({{"HOME", "/h"}, {"HF_HUB_DOWNLOAD_TIMEOUT", wrong}}), base::Error) << wrong;
}

TEST(Settings, WhereTheTokenComesFrom) {
  std::string folder = (std::filesystem::temp_directory_path() / "rustml-token-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/token") << "hf_home\n";
  std::ofstream(folder + "/other") << " hf_path \n";
  EXPECT_EQ(under({{"HF_HOME", folder}}).token, "hf_home");
  EXPECT_EQ(under({{"HF_HOME", folder}, {"HF_TOKEN_PATH", folder + "/other"}}).token, "hf_path");
  EXPECT_EQ(under({{"HF_HOME", folder}, {"HF_TOKEN", "hf_variable"}}).token, "hf_variable");
  rustml_hub_options options{};
  options.struct_size = sizeof options;
  options.token = {"hf_option", 9};
  EXPECT_EQ(under({{"HF_HOME", folder}, {"HF_TOKEN", "hf_variable"}}, &options).token, "hf_option");
  options.flags = RUSTML_HUB_NO_TOKEN;
  EXPECT_EQ(under({{"HF_HOME", folder}}, &options).token, "");
  EXPECT_THROW(under({{"HF_HOME", folder}, {"HF_TOKEN", "a\r\nX: b"}}), base::Error);
  std::filesystem::remove_all(folder);
}

TEST(Settings, OlderAndNewerCallers) {
  alignas(8) std::array<unsigned char, 64> bytes{};
  auto* options = reinterpret_cast<rustml_hub_options*>(bytes.data());
  ASSERT_EQ(rustml_hub_options_init(options, 64), RUSTML_OK);
  options->cache_dir = {"/c", 2};
  options->token = {"t", 1};
  EXPECT_EQ(under({}, options).token, "t");
  options->struct_size = 47;  // ends inside token
  EXPECT_EQ(under({}, options).cache_dir, "/c");
  EXPECT_EQ(under({}, options).token, "");
  options->struct_size = 64;
  bytes[60] = 1;
  EXPECT_THROW(under({}, options), base::Error) << "an option this library does not know";
  for (const uint32_t size : {0u, 7u, 65537u}) {
    options->struct_size = size;
    EXPECT_THROW(under({}, options), base::Error) << size;
    EXPECT_EQ(rustml_hub_options_init(options, size), RUSTML_INVALID_ARGUMENT);
  }
}

}  // namespace
}  // namespace rustml::hub
