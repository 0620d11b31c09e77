// The page's roff; documentation.py compares the program's own page with every --help.
#include "cli/manual.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

const std::vector<CommandText> kPaged = {
    {"first", "the default", {{"--help", "-h", "", ".help it\\'s", {}}, {"--size", "", "N", "how big", {"1", "2"}}}},
    {"second",
     "another",
     {{"--size", "", "N", "how big", {"1", "2"}}, {"--own", "", "", "its own", {}}, {"file", "", "FILE", "by place", {}}}},
};

bool page_has(const std::string& text) { return manual_page("1.2", "0 good", kPaged).find(text) != std::string::npos; }

TEST(Manual, TextCannotBecomeARequest) {
  EXPECT_TRUE(page_has("\n\\&.help it\\e's\n")) << "a dot at the beginning of a line and a backslash are text";
  EXPECT_TRUE(page_has("\\fB\\-\\-size\\fR \\fIN\\fR\n")) << "a minus sign that can be copied, not a hyphen";
}

TEST(Manual, OptionsOfTheFirstCommandAreTakenUpByName) {
  EXPECT_TRUE(page_has(
      ".SS second\nanother\n.TP\n\\fB\\-\\-own\\fR\nits own\n.TP\n\\fIFILE\\fR\nby place\n.PP\nAlso, as above: \\fB\\-\\-size\\fR."));
}

TEST(Manual, SynopsisSaysWhatIsTakenByPlace) {
  EXPECT_TRUE(page_has("\\fBrustml\\-infer\\fR [\\fBfirst\\fR] [\\fIOPTION\\fR...]"));
  EXPECT_TRUE(page_has("\\fBrustml\\-infer\\fR \\fBsecond\\fR \\fIFILE\\fR [\\fIOPTION\\fR...]"));
}

TEST(Manual, ValuesThatTheHelpDoesNotNameAreAdded) { EXPECT_TRUE(page_has("how big: 1, 2\n")); }

}  // namespace
}  // namespace rustml::cli
