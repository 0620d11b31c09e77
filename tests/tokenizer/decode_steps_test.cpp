// Steps against `tokenizers` are in huggingface_variants.json; here are single tokens in running text, and what is refused.
#include "tokenizer/decode_steps.h"

#include "../base/expect_error.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::DecodeSteps;

DecodeSteps decoder(const std::string& json) { return DecodeSteps(rustml::base::parse_json(json, "x")); }

TEST(DecodeSteps, BytesInRunningText) {
  const DecodeSteps llama = decoder(R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"_"},"content":" "},)"
                                    R"({"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})");
  EXPECT_EQ(llama.bytes("_a"), " a");  // only the whole text begins without its blank
  EXPECT_EQ(llama.text({"_a", "_b"}), "a b");
  EXPECT_EQ(llama.bytes("<0xE4>"), "\xE4");
  EXPECT_EQ(llama.text({"<0xC3>", "<0xA9>", "x", "<0xC3>"}), "\u00E9x\uFFFD");
  const DecodeSteps metaspace = decoder(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"always"})");
  EXPECT_EQ(metaspace.bytes("_a"), " a");
  EXPECT_EQ(metaspace.text({"_a", "_b"}), "a b");
  const DecodeSteps byte_level = decoder(R"({"type":"ByteLevel"})");
  EXPECT_EQ(byte_level.bytes("\u0120a"), " a");
  EXPECT_EQ(byte_level.bytes("\u4E2D"), "\u4E2D");  // not spelled
  EXPECT_EQ(DecodeSteps().text({"a", "b"}), "a b");
  EXPECT_EQ(DecodeSteps().text({}), "");
}

TEST(DecodeSteps, RefusesOthers) {
  EXPECT_ERROR(decoder(R"({"type":"WordPiece"})"), Status::unimplemented, "WordPiece");
  EXPECT_ERROR(decoder(R"({"type":"Replace","pattern":{"Regex":"a"},"content":""})"), Status::unimplemented, "Regex");
  EXPECT_ERROR(decoder(R"({"type":"Strip","content":"ab","start":1,"stop":0})"), Status::data_loss, "one character");
  EXPECT_ERROR(decoder(R"({"type":"Strip","content":"a","start":-1,"stop":0})"), Status::data_loss,
               "start is -1; it must be a whole number, 0 or more");
  const DecodeSteps growing = decoder(R"({"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(1000, 'b') + "\"}");
  EXPECT_ERROR(growing.bytes(std::string(1000, 'a')), Status::resource_exhausted, "longer than");
}

}  // namespace
