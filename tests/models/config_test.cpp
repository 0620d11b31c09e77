#include "models/config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

std::string refusal(MadeFile& f) {
  return error_of([&] { config_of(f.file()); });
}

TEST(Config, ReadsWhatTheFileSays) {
  MadeFile f = llama_file();
  f.text("llama.rope.scaling.type", "linear").real("llama.rope.scaling.factor", 4).real("llama.rope.freq_base", 500000);
  const Config c = config_of(f.file());
  EXPECT_EQ(c.hidden, 32);
  EXPECT_EQ(c.head_dim, 8);
  EXPECT_EQ(c.vocab, 40);
  EXPECT_EQ(c.rope_scaling.kind, ops::RopeScaling::Kind::linear);
  EXPECT_EQ(c.rope_base, 500000);
}

TEST(Config, DamagedJsonIsDataLoss) {
  const auto json_refusal = [](const std::string& text) {
    MadeFile f;
    f.json(text);
    return error_of([&] { config_fields(f.file()); });
  };
  const std::string deep = std::string(10001, '[') + std::string(10001, ']');
  for (const std::string& text : {std::string(), std::string("  \n"), std::string("[]"), std::string("{"), std::string("{}x"), deep,
                                  std::string("{\"a\":1,\"a\":2}"), std::string("\xFF\xFE{\0}\0", 6), std::string("3")})
    EXPECT_EQ(json_refusal(text).substr(0, 2), "15") << text.substr(0, 20);
  MadeFile f;
  f.json("{}");
  EXPECT_EQ(error_of([&] { config_fields(f.file()).size("n", 6); }), "15 made/config.json: n is missing; it must be given");
  formats::ModelFile& file = f.file();
  file.documents.clear();
  EXPECT_EQ(error_of([&] { config_fields(file); }).substr(0, 2), "5 ");
}

TEST(Config, MissingKeysHaveNoDefaults) {
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count",
                          "llama.context_length", "llama.attention.layer_norm_rms_epsilon"}) {
    MadeFile f = llama_file();
    f.erase(key);
    const std::string error = refusal(f);
    EXPECT_EQ(error.substr(0, 2), "15") << key;
    EXPECT_NE(error.find(key), std::string::npos) << error;
  }
}

TEST(Config, ContradictionsNameKeyAndValue) {
  const auto with = [](const char* key, uint64_t value) {
    MadeFile f = llama_file();
    f.number(key, value);
    return refusal(f);
  };
  EXPECT_NE(with("llama.attention.head_count_kv", 3).find("multiple"), std::string::npos);
  EXPECT_NE(with("llama.attention.head_count", 5).find("multiple"), std::string::npos);
  EXPECT_NE(with("llama.block_count", 0).find("0; it must be 1 to"), std::string::npos);
  EXPECT_NE(with("llama.block_count", 1'000'000'000).find("1000000000"), std::string::npos);
  EXPECT_EQ(with("llama.rope.dimension_count", 4).substr(0, 2), "12");
  EXPECT_EQ(with("llama.attention.value_length", 16).substr(0, 2), "12");
  EXPECT_EQ(with("llama.expert_count", 8).substr(0, 2), "12");
  for (const double bad : {0.0, -1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    MadeFile f = llama_file();
    f.real("llama.rope.freq_base", bad);
    EXPECT_EQ(refusal(f).substr(0, 2), "15");
  }
  MadeFile empty = llama_metadata();
  EXPECT_NE(refusal(empty).find("token_embd.weight"), std::string::npos);
}

TEST(Config, EqualValuesOfLayersCountAsOne) {
  const auto file = [] {
    MadeFile f = llama_metadata(2);
    f.tensor("token_embd.weight", {40, 32});
    return f;
  };
  const base::LogRecords records;
  MadeFile same = file();
  same.list("llama.attention.head_count_kv", std::vector<int64_t>{2, 2}).list("llama.feed_forward_length", std::vector<uint64_t>{48, 48});
  same.list("llama.attention.head_count", std::vector<uint8_t>{4, 4});
  const Config c = config_of(same.file());
  EXPECT_EQ(c.n_kv_heads, 2);
  EXPECT_EQ(c.n_heads, 4);
  EXPECT_EQ(c.ffn, 48);
  EXPECT_EQ(records.texts.size(), 3u);
  EXPECT_EQ(records.texts.back(), "llama.attention.head_count_kv has a value for every layer; all are 2");
  const auto with = [&](auto items) {
    MadeFile f = file();
    f.list("llama.attention.head_count_kv", std::move(items));
    return refusal(f);
  };
  EXPECT_EQ(with(std::vector<int64_t>{2, 1}),
            "12 llama.attention.head_count_kv is 2 in layer 0 and 1 in layer 1; only models whose layers are alike are supported");
  EXPECT_EQ(with(std::vector<int64_t>{2}), "15 llama.attention.head_count_kv has 1 values for 2 layers");
  EXPECT_EQ(with(std::vector<int64_t>{}), "15 llama.attention.head_count_kv has 0 values for 2 layers");
  EXPECT_EQ(with(std::vector<int64_t>{-2, -2}), "15 llama.attention.head_count_kv is -2; it must be 1 to 1024");
  EXPECT_EQ(with(std::vector<uint64_t>(2, UINT64_MAX)).substr(0, 2), "15");
  EXPECT_EQ(with(std::vector<std::string>{"2", "2"}).substr(0, 2), "15");
  EXPECT_EQ(with(std::vector<double>{2, 2}).substr(0, 2), "15");
}

TEST(Config, TextsThatAreNoneAreLeftOut) {
  const base::LogRecords records;
  MadeFile f = llama_file();
  f.text("general.name", "\xFF").text("tokenizer.chat_template", "\xC3[INST]").number("llama.expert_count", 0);
  const Config c = config_of(f.file());
  EXPECT_EQ(c.name, "");
  EXPECT_EQ(c.chat_template, "");
  EXPECT_EQ(records.texts.size(), 2u);
  MadeFile directory;
  directory.json("{}").file().documents["chat_template.jinja"] = "\xC3[INST]";
  EXPECT_EQ(read_chat_template(directory.file()), "");
}

}  // namespace
}  // namespace rustml::models
