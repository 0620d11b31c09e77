// What a whole file shows is in huggingface_file_test.cpp; here is the list that is read of it.
#include "tokenizer/huggingface_vocabulary.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Status;

TEST(HuggingfaceVocabulary, TypesAndHoles) {
  rustml::runtime::StopSignal stop;
  HuggingfaceVocabulary read;
  read_vocab(R"({"b":3,"a":0,"<0x41>":1,"<unk>":4,"<s>":5})", read, stop);
  read_added_tokens(
      R"([{"id":5,"content":"<s>","special":true,"lstrip":true},{"id":6,"content":"t","special":false,"rstrip":true,"extra":null}])", read,
      stop);
  ASSERT_EQ(read.added.size(), 2u);
  EXPECT_TRUE(read.added[0].lstrip && !read.added[0].rstrip && read.added[1].rstrip && !read.added[1].normalized);
  std::vector<bool> in_model;
  const Vocabulary vocabulary = build_vocabulary(read, true, "<unk>", in_model);
  EXPECT_EQ(in_model, (std::vector<bool>{true, true, false, true, true, true, false}));
  const TokenType expected[] = {TokenType::normal,  TokenType::byte,    TokenType::unused,      TokenType::normal,
                                TokenType::unknown, TokenType::control, TokenType::user_defined};
  for (int32_t id = 0; id < 7; ++id) EXPECT_EQ(vocabulary.type(id), expected[id]) << id;
  EXPECT_EQ(vocabulary.text(2), "");
  EXPECT_EQ(vocabulary.id_of("b"), 3);
  EXPECT_EQ(build_vocabulary(read, false, "", in_model).type(1), TokenType::normal);
}

TEST(HuggingfaceVocabulary, MergesAreOfTheModel) {
  rustml::runtime::StopSignal stop;
  HuggingfaceVocabulary read;
  read_vocab(R"({"a":0,"b":1})", read, stop);
  read_added_tokens(R"([{"id":2,"content":"ab"}])", read, stop);
  std::vector<bool> in_model;
  const Vocabulary vocabulary = build_vocabulary(read, false, "", in_model);
  EXPECT_ERROR(read_merges(R"(["a b"])", vocabulary, in_model, stop), Status::data_loss, "lacks what it makes");
  EXPECT_TRUE(read_merges("[]", vocabulary, in_model, stop).empty());
}

}  // namespace
