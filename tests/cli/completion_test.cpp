// The scripts as text, with a command of every kind of option; documentation.py runs those of the program in their shells.
#include "cli/completion.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

const std::vector<CommandText> kScripted = {
    {"first", "it's the default", {{"--help", "-h", "", "help", {}}, {"--size", "", "N", "a [size]: it's big", {"1", "2"}}}},
    {"second", "another", {{"--dir", "", "DIR", "a folder", {}}, {"file", "", "FILE", "by place", {}}}},
};

bool contains_part(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Completion, QuotesWhatTheShellsWouldRead) {
  EXPECT_TRUE(contains_part(completion_script("zsh", kScripted), R"('*--size=[a \[size\]: it'\''s big]:N:(1 2)')"));
  EXPECT_TRUE(contains_part(completion_script("zsh", kScripted), R"('first:it'\''s the default')"));
  EXPECT_TRUE(contains_part(completion_script("fish", kScripted), R"(-l size -x -a '1 2' -d 'a [size]: it\'s big')"));
}

TEST(Completion, TheFirstCommandIsMeantWithoutAName) {
  EXPECT_TRUE(contains_part(completion_script("bash", kScripted), "command=first"));
  EXPECT_TRUE(contains_part(completion_script("zsh", kScripted), "command=first"));
  EXPECT_TRUE(contains_part(completion_script("fish", kScripted), "-n 'not __fish_seen_subcommand_from second' -l size"));
}

TEST(Completion, EveryShellOffersEveryOption) {
  for (const std::string& shell : completion_shells()) {
    const std::string script = completion_script(shell, kScripted);
    for (const char* option : {"help", "size", "dir"}) EXPECT_TRUE(contains_part(script, option)) << shell << " " << option;
    EXPECT_FALSE(contains_part(script, "--file")) << shell << ": what is taken by place has no name to type";
  }
}

}  // namespace
}  // namespace rustml::cli
