// Files that not every machine has: models, tokenizers, the folder of shared test data. Environment variables name them (scripts/test sets
// those that it could fetch); a test that wants one is skipped, by name, where its variable is not set.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace rustml::test {

// What `variable` names, or nothing where it is not set. Set to what is not there, the test fails: somebody wanted it run.
inline std::string real_file(const char* variable) {
  const char* given = std::getenv(variable);
  const std::string path = given != nullptr ? given : "";
  std::error_code ignored;
  EXPECT_TRUE(path.empty() || std::filesystem::exists(path, ignored)) << variable << "=" << path << " does not exist";
  return path;
}

}  // namespace rustml::test

#define REAL_FILE_OR_SKIP(path, variable, fetch)                \
  const std::string path = ::rustml::test::real_file(variable); \
  if (path.empty()) GTEST_SKIP() << "set " variable "=$(" fetch ")"

#define SMOLLM2_OR_SKIP(path) REAL_FILE_OR_SKIP(path, "RUSTML_SMOLLM2", "scripts/fetch-model")
#define GEMMA3_270M_OR_SKIP(path) REAL_FILE_OR_SKIP(path, "RUSTML_GEMMA3_270M", "scripts/fetch-model gemma3-270m")
#define TOKENIZERS_OR_SKIP(path) REAL_FILE_OR_SKIP(path, "RUSTML_TOKENIZERS", "scripts/fetch-tokenizers")
