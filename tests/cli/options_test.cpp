// The parser itself; what the program's options allow is in arguments_test.cpp.
#include "cli/options.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

TEST(Options, IdsTakeBlanksAndCommas) {
  EXPECT_EQ(parse_ids("--prompt-ids", " 1 2,3,\n4 "), (std::vector<int32_t>{1, 2, 3, 4}));
  for (const char* bad : {"", "  ", "1 x", "-1", "2147483648", "1;2"}) EXPECT_THROW(parse_ids("--prompt-ids", bad), UsageError) << bad;
}

TEST(Options, RangesAreClosedOrOpenBelow) {
  EXPECT_EQ(parse_real("--x", "0", {0, 1}), 0.0);
  EXPECT_EQ(parse_real("--x", "1e-3", {0, 1, true}), 1e-3);
  EXPECT_THROW(parse_real("--x", "0", {0, 1, true}), UsageError);
  EXPECT_EQ(parse_whole("--x", "18446744073709551615", 0, UINT64_MAX, ""), UINT64_MAX);
  EXPECT_THROW(parse_whole("--x", "+1", 0, 5, ""), UsageError);
}

TEST(Options, HelpAndVersionAreTextToPrint) {
  Options options("tool", "does things", "tool 1.2");
  bool on = false;
  std::string seen;
  options.flag("--on", "switch", on);
  options.text("--name", "a name", "NAME", [&](const std::string& text) { seen = text; });
  options.footer("the end");
  const auto parse = [&](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "tool");
    return options.parse(static_cast<int>(argv.size()), argv.data());
  };
  for (const char* part : {"does things", "--on", "--name NAME", "the end"})
    EXPECT_NE(parse({"--help"}).find(part), std::string::npos) << part;
  EXPECT_EQ(parse({"--version"}), "tool 1.2\n");
  EXPECT_EQ(parse({"--on", "--name", "--on"}), "");
  EXPECT_TRUE(on);
  EXPECT_EQ(seen, "--on") << "what follows an option is its value";
  EXPECT_EQ(parse({"--name", ""}), "");
  EXPECT_EQ(seen, "");
  for (const char* bad : {"--off", "word", "--name"}) EXPECT_THROW(parse({bad}), UsageError) << bad;
}

}  // namespace
}  // namespace rustml::cli
