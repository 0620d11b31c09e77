#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "program.h"

namespace rustml::cli_test {
namespace {

TEST(Quantize, WritesAFileThatSaysTheSame) {
  const TemporaryFile place("old.gguf", "something else");
  const std::string folder = golden("architectures/llama");
  const Outcome written = infer({"quantize", folder, place.path(), "--type", "f32"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.out + written.err, "");
  const std::vector<std::string> words = {"--prompt", "hello", "--max-tokens", "12", "--ignore-eos", "--quiet", "--log", "error"};
  const auto answer = [&](std::vector<std::string> model) {
    model.insert(model.end(), words.begin(), words.end());
    const Outcome outcome = infer(model);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_EQ(answer({"--gguf", place.path()}), answer({"--safetensors", folder, "--quantize", "none"}));
  ASSERT_EQ(infer({"quantize", golden("base_f32.gguf"), place.path()}).exit_code, 0);
  EXPECT_LT(std::filesystem::file_size(place.path()), std::filesystem::file_size(golden("base_f32.gguf")) / 2) << "Q8_0";
}

TEST(Quantize, ALimitOfFileSizeIsAnError) {
  const TemporaryFile place("old.gguf", "something else");
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{2000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Outcome outcome = infer({"quantize", golden("base_f32.gguf"), place.path()});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("File too large"), std::string::npos) << outcome.err;
  EXPECT_EQ(read_file(place.path()), "something else");
}

TEST(Quantize, ErrorsLeaveNothingBehind) {
  const TemporaryFile place("here", "");
  const std::string out = place.folder() + "/out.gguf";
  EXPECT_EQ(infer({"quantize"}).exit_code, 2);
  EXPECT_EQ(infer({"quantize", golden("base_f32.gguf")}).exit_code, 2);
  EXPECT_EQ(infer({"quantize", golden("base_f32.gguf"), out, "--type", "Q2_K"}).exit_code, 2);
  EXPECT_EQ(infer({"quantize", "/no/such.gguf", out}).exit_code, 3);
  EXPECT_EQ(infer({"quantize", golden("base_f32.gguf"), "/no/such/folder/x.gguf"}).exit_code, 3);
  EXPECT_EQ(infer({"quantize", golden("architectures/mistral"), out}).exit_code, 4);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(place.folder()), {}), 1) << "only what was there before";
}

}  // namespace
}  // namespace rustml::cli_test
