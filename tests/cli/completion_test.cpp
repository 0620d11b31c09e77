// The scripts as text, with a command of every kind of option; documentation.py runs those of the program in their shells.
#include "cli/completion.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

const std::vector<CommandText> kCommands = {
    {"first", "it's the default", {{"--help", "-h", "", "help", {}}, {"--size", "", "N", "a [size]: it's big", {"1", "2"}}}},
    {"second", "another", {{"--dir", "", "DIR", "a folder", {}}, {"file", "", "FILE", "by place", {}}}},
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Completion, QuotesWhatTheShellsWouldRead) {
  EXPECT_TRUE(has(completion_script("zsh", kCommands), R"('*--size=[a \[size\]: it'\''s big]:N:(1 2)')"));
  EXPECT_TRUE(has(completion_script("zsh", kCommands), R"('first:it'\''s the default')"));
  EXPECT_TRUE(has(completion_script("fish", kCommands), R"(-l size -x -a '1 2' -d 'a [size]: it\'s big')"));
}

TEST(Completion, TheFirstCommandIsMeantWithoutAName) {
  EXPECT_TRUE(has(completion_script("bash", kCommands), "command=first"));
  EXPECT_TRUE(has(completion_script("zsh", kCommands), "command=first"));
  EXPECT_TRUE(has(completion_script("fish", kCommands), "-n 'not __fish_seen_subcommand_from second' -l size"));
}

TEST(Completion, EveryShellOffersEveryOption) {
  for (const std::string& shell : completion_shells()) {
    const std::string script = completion_script(shell, kCommands);
    for (const char* option : {"help", "size", "dir"}) EXPECT_TRUE(has(script, option)) << shell << " " << option;
    EXPECT_FALSE(has(script, "--file")) << shell << ": what is taken by place has no name to type";
  }
}

}  // namespace
}  // namespace rustml::cli
