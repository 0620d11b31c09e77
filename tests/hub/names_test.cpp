#include "hub/names.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace rustml::hub {
namespace {

TEST(Names, IdsAreTakenApart) {
  ModelId id = parse_id("org/name");
  EXPECT_EQ(id.repository, "org/name");
  EXPECT_TRUE(id.file.empty());
  EXPECT_FALSE(id.revision);
  id = parse_id("org/na-me_1.5/sub dir/x.gguf@refs/pr/1");
  EXPECT_EQ(id.repository, "org/na-me_1.5");
  EXPECT_EQ(id.file, "sub dir/x.gguf");
  EXPECT_EQ(id.revision, "refs/pr/1");
  EXPECT_EQ(id.text(), "org/na-me_1.5/sub dir/x.gguf@refs/pr/1");
  EXPECT_EQ(parse_id("gpt2").repository, "gpt2");
}

TEST(Names, PathsStayWhereTheyBelong) {
  for (const char* path : {"a", "a/b.c", "sub dir/x.gguf", "日本語.json", ".gitattributes", "console.json", "com10"})
    EXPECT_EQ(path_problem(path), nullptr) << path;
  for (const char* path : {"",     "/a",          "a/",       "a//b", ".",       "..",          "a/../b", "a/..", "C:/a",     "C:a",
                           "a\\b", "\\\\host\\x", "a:stream", "nul",  "NUL.txt", "a/CoM1.json", "lpt9",   "aux ", "a.",       "a ",
                           " a",   "a\nb",        "a\x7F",    "a*",   "a?b",     "a<b",         "a|b",    "a\"b", "\xC0\xAF", "con.tar.gz"})
    EXPECT_NE(path_problem(path), nullptr) << path;
  EXPECT_NE(path_problem(std::string("a\0b", 3)), nullptr);
  EXPECT_NE(path_problem(std::string(256, 'a')), nullptr);
  std::string deep = "a";
  for (int i = 0; i < 600; ++i) deep += "/a";
  EXPECT_NE(path_problem(deep), nullptr);
}

TEST(Names, CommitsAndBlobs) {
  EXPECT_TRUE(is_commit(std::string(40, 'a')));
  EXPECT_FALSE(is_commit(std::string(39, 'a')));
  EXPECT_FALSE(is_commit(std::string(40, 'A')));
  EXPECT_TRUE(is_blob(std::string(64, '0')));
  EXPECT_FALSE(is_blob(std::string(32, '0')));
  EXPECT_FALSE(is_blob("../../../../../../../../../../../../evil/"));
}

TEST(Names, PartsOfSplitFiles) {
  EXPECT_EQ(parts_of("x.gguf"), std::vector<std::string>{"x.gguf"});
  EXPECT_EQ(parts_of("a/x-00002-of-00003.gguf"),
            (std::vector<std::string>{"a/x-00001-of-00003.gguf", "a/x-00002-of-00003.gguf", "a/x-00003-of-00003.gguf"}));
  EXPECT_EQ(parts_of("x-0001-of-00003.gguf").size(), 1u);
  for (const char* file : {"x-00000-of-00002.gguf", "x-00003-of-00002.gguf", "x-00001-of-99999.gguf"})
    EXPECT_THROW(parts_of(file), base::Error) << file;
}

TEST(Names, PercentEncoding) {
  EXPECT_EQ(percent_encoded("a b/c#ä?", true), "a%20b/c%23%C3%A4%3F");
  EXPECT_EQ(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
}

}  // namespace
}  // namespace rustml::hub
