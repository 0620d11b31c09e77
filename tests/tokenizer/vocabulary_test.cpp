#include "tokenizer/vocabulary.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "../base/expect_error.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::TokenType;
using rustml::tokenizer::Vocabulary;

RC_GTEST_PROP(Vocabulary, FindsWhatAMapFinds, (const std::vector<std::string>& texts, const std::vector<std::string>& others)) {
  std::map<std::string, int32_t> map;
  std::vector<std::string> tokens;
  for (const std::string& text : texts) {
    if (!text.empty() && map.emplace(text, static_cast<int32_t>(tokens.size())).second) tokens.push_back(text);
  }
  RC_PRE(!tokens.empty());
  const Vocabulary vocabulary(tokens, {}, {}, "tokens");
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    RC_ASSERT(vocabulary.text(id) == tokens[static_cast<size_t>(id)]);
    RC_ASSERT(vocabulary.id_of(vocabulary.text(id)) == id);
  }
  for (const std::string& text : others) {
    const auto found = map.find(text);
    RC_ASSERT(vocabulary.id_of(text) == (found == map.end() ? -1 : found->second));
  }
}

TEST(Vocabulary, ZeroBytesAreText) {
  const std::string a("a\0b", 3), b("a\0c", 3);
  const Vocabulary vocabulary({a, b, "a"}, {}, {}, "tokens");
  EXPECT_EQ(vocabulary.id_of(a), 0);
  EXPECT_EQ(vocabulary.id_of(b), 1);
  EXPECT_EQ(vocabulary.id_of("a"), 2);
  EXPECT_EQ(vocabulary.id_of(""), -1);
}

TEST(Vocabulary, KeepsTypesAndScores) {
  const Vocabulary plain({"a", "b"}, {}, {}, "tokens");
  EXPECT_EQ(plain.type(1), TokenType::normal);
  EXPECT_EQ(plain.score(1), 0.0f);
  const Vocabulary full({"a", "b"}, {TokenType::normal, TokenType::control}, {0.5f, -2.0f}, "tokens");
  EXPECT_EQ(full.type(1), TokenType::control);
  EXPECT_EQ(full.score(1), -2.0f);
}

TEST(Vocabulary, NothingFindsAnEmptyToken) {
  const Vocabulary vocabulary({"", "a", "", "b"}, {}, {}, "tokens");
  EXPECT_EQ(vocabulary.size(), 4);
  EXPECT_EQ(vocabulary.id_of(""), -1);
  EXPECT_EQ(vocabulary.id_of("b"), 3);
  EXPECT_EQ(vocabulary.text(2), "");
}

TEST(Vocabulary, RefusesBadTokens) {
  EXPECT_ERROR(Vocabulary({}, {}, {}, "the.key"), Status::data_loss, "the.key: no tokens");
  EXPECT_ERROR(Vocabulary({"", ""}, {}, {}, "the.key"), Status::data_loss, "the.key: no tokens");
  EXPECT_ERROR(Vocabulary({"a", "b", "a"}, {}, {}, "the.key"), Status::data_loss, "token 2 repeats token 0, \"a\"");
  EXPECT_NO_THROW(Vocabulary({std::string(64 * 1024, 'x')}, {}, {}, "the.key"));
  EXPECT_ERROR(Vocabulary({std::string(64 * 1024 + 1, 'x')}, {}, {}, "the.key"), Status::resource_exhausted, "65537 bytes, limit 65536");
  EXPECT_ERROR(Vocabulary(std::vector<std::string>((size_t{1} << 22) + 1), {}, {}, "the.key"), Status::resource_exhausted, "limit 4194304");
}

}  // namespace
