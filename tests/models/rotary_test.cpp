#include "models/rotary.h"

#include <gtest/gtest.h>

#include <cmath>

#include "made_file.h"

namespace rustml::models {
namespace {

using Kind = ops::RopeScaling::Kind;

// llama_metadata()'s shape: 4 heads of 8, 64 tokens.
Config of_json(const std::string& fields) {
  MadeFile f;
  f.json(
      R"({"model_type":"llama","vocab_size":40,"hidden_size":32,"intermediate_size":48,"num_hidden_layers":1,"num_attention_heads":4,
      "num_key_value_heads":2,"max_position_embeddings":64,"rms_norm_eps":1e-5,"hidden_act":"silu","tie_word_embeddings":true,)" +
      fields + "}");
  return config_of(f.file());
}
Config of_scaling(const std::string& scaling) { return of_json("\"rope_theta\":1e4,\"rope_scaling\":{" + scaling + "}"); }
std::string refusal(const std::string& scaling) {
  return error_of([&] { of_scaling(scaling); });
}

MadeFile gguf(const std::string& kind) {
  MadeFile f = llama_file();
  if (!kind.empty()) f.text("llama.rope.scaling.type", kind);
  return f;
}
Config of(MadeFile& f) { return config_of(f.file()); }
Config of(MadeFile&& f) { return of(f); }
std::string refusal(MadeFile& f) {
  return error_of([&] { config_of(f.file()); });
}

const std::string kYarn = R"("rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32)";
const std::string kLongrope =
    R"("rope_type":"longrope","original_max_position_embeddings":16,"short_factor":[1,1,1.5,2],"long_factor":[1,2,3,4])";

std::string refusal(MadeFile&& f) { return refusal(f); }

MadeFile yarn_file() {
  MadeFile f = gguf("yarn");
  f.real("llama.rope.scaling.factor", 4).number("llama.rope.scaling.original_context_length", 32);
  return f;
}
MadeFile longrope_file() {
  MadeFile f = gguf("longrope");
  f.real("llama.rope.scaling.attn_factor", 1.25).number("llama.rope.scaling.original_context_length", 16);
  return f;
}

TEST(Rotary, YarnOfConfigJson) {
  const Config c = of_scaling(kYarn);
  EXPECT_EQ(c.rope_scaling.kind, Kind::yarn);
  EXPECT_EQ(c.context, 128) << "factor times the original context";
  EXPECT_DOUBLE_EQ(c.rope_scaling.magnitude, 0.1 * std::log(4.0) + 1);
  EXPECT_EQ(c.rope_scaling.beta_fast, 32);
  EXPECT_EQ(c.rope_scaling.beta_slow, 1);
  EXPECT_TRUE(c.rope_scaling.truncate);
  const Config given =
      of_scaling(kYarn + R"(,"attention_factor":1.5,"mscale":0.5,"mscale_all_dim":1,"beta_fast":16,"beta_slow":2,"truncate":false)");
  EXPECT_NEAR(given.rope_scaling.magnitude, 1.5, 1e-7);
  EXPECT_EQ(given.rope_scaling.beta_fast, 16);
  EXPECT_EQ(given.rope_scaling.beta_slow, 2);
  EXPECT_FALSE(given.rope_scaling.truncate);
  const auto magnitude = [](const std::string& more) { return of_scaling(kYarn + more).rope_scaling.magnitude; };
  EXPECT_NEAR(magnitude(R"(,"mscale":0.5,"mscale_all_dim":2)"), (0.05 * std::log(4.0) + 1) / (0.2 * std::log(4.0) + 1), 1e-7);
  for (const char* one : {R"(,"mscale":0.5)", R"(,"mscale":0.5,"mscale_all_dim":0)", R"(,"mscale":null,"mscale_all_dim":2)"})
    EXPECT_DOUBLE_EQ(magnitude(one), 0.1 * std::log(4.0) + 1) << one;
  EXPECT_EQ(of_scaling(R"("type":"yarn","factor":1e9,"original_max_position_embeddings":32)").context, kMaxContext);
}

TEST(Rotary, OtherKindsOfConfigJson) {
  const Config dynamic = of_scaling(R"("type":"dynamic","factor":2.5)");
  EXPECT_EQ(dynamic.rope_scaling.kind, Kind::dynamic);
  EXPECT_EQ(dynamic.rope_scaling.original_context, 64);
  EXPECT_EQ(dynamic.context, 160);
  const Config longrope = of_scaling(kLongrope);
  EXPECT_EQ(longrope.rope_scaling.kind, Kind::longrope);
  EXPECT_EQ(longrope.context, 64);
  EXPECT_EQ(longrope.rope_scaling.long_divisors, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(longrope.rope_scaling.short_divisors, (std::vector<float>{1, 1, 1.5, 2}));
  EXPECT_FLOAT_EQ(static_cast<float>(longrope.rope_scaling.magnitude), std::sqrt(1.5f)) << "ln(64 / 16) / ln(16)";
  EXPECT_EQ(of_scaling(kLongrope + R"(,"attention_factor":1.25)").rope_scaling.magnitude, 1.25);
  EXPECT_EQ(of_scaling(kLongrope + R"(,"factor":1)").rope_scaling.magnitude, 1);
  // Phi 3 has the original context beside the object, and calls the kind by its old name.
  const std::string su =
      R"("rope_theta":1e4,"original_max_position_embeddings":16,"rope_scaling":{"type":"su","short_factor":[1,1,1.5,2],"long_factor":[1,2,3,4]})";
  EXPECT_EQ(of_json(su).rope_scaling, longrope.rope_scaling);
}

TEST(Rotary, ConfigJsonThatIsRefused) {
  EXPECT_EQ(refusal(R"("rope_type":"yarn","factor":4.0)"),
            "15 made/config.json: rope_scaling.original_max_position_embeddings is missing; it must be given");
  EXPECT_EQ(refusal(R"("rope_type":"yarn","original_max_position_embeddings":32)"),
            "15 made/config.json: rope_scaling.factor is missing; it must be given");
  EXPECT_EQ(refusal(R"("rope_type":"dynamic")"), "15 made/config.json: rope_scaling.factor is missing; it must be given");
  EXPECT_EQ(refusal(R"("rope_type":"longrope","original_max_position_embeddings":16,"short_factor":[1,1,1,1])"),
            "15 made/config.json: rope_scaling.long_factor is missing; it must be given");
  for (const char* more : {R"(,"beta_fast":0.5)", R"(,"beta_fast":"32")", R"(,"attention_factor":-1)", R"(,"attention_factor":1e300)",
                           R"(,"truncate":1)", R"(,"mscale":"1","mscale_all_dim":1)", R"(,"mscale":-1,"mscale_all_dim":1)"})
    EXPECT_EQ(refusal(kYarn + more).substr(0, 3), "15 ") << more;
  for (const char* factors : {"[1,2,3]", "[1,2,3,4,5]", "[1,2,3,0]", "[1,2,3,-4]", "[1,2,3,\"4\"]", "[1,2,3,1e300]", "4", "null"})
    EXPECT_EQ(refusal(R"("rope_type":"longrope","original_max_position_embeddings":16,"long_factor":[1,1,1,1],"short_factor":)" +
                      std::string(factors))
                  .substr(0, 3),
              "15 ")
        << factors;
  EXPECT_EQ(refusal(R"("rope_type":"longrope","original_max_position_embeddings":1,"long_factor":[1,1,1,1],"short_factor":[1,1,1,1])")
                .substr(0, 3),
            "15 ")
      << "no logarithm to divide by";
  EXPECT_EQ(
      refusal(R"("rope_type":"proportional")"),
      "12 made/config.json: rope_scaling.rope_type is \"proportional\"; supported: default, linear, llama3, yarn, dynamic, longrope, su");
  for (const char* more : {R"(,"alpha":1000)", R"(,"partial_rotary_factor":0.5)", R"(,"attn_factor":2)", R"(,"extrapolation_factor":0.5)"})
    EXPECT_EQ(refusal(kYarn + more).substr(0, 3), "12 ") << more;
  EXPECT_EQ(refusal(kYarn + R"(,"partial_rotary_factor":1.0,"attn_factor":1)"), "none");
  EXPECT_EQ(error_of([] { of_json(R"("rope_theta":1e4,"partial_rotary_factor":0.25)"); }).substr(0, 3), "12 ");
}

TEST(Rotary, TwoObjectsMustSayTheSame) {
  const std::string old = ",\"rope_scaling\":{" + kYarn + "}";
  EXPECT_EQ(of_json("\"rope_parameters\":{\"rope_theta\":1e4," + kYarn + "}" + old).rope_scaling, of_scaling(kYarn).rope_scaling);
  EXPECT_EQ(error_of([&] { of_json(R"("rope_parameters":{"rope_theta":1e4,"rope_type":"default"})" + old); }),
            "12 made/config.json: rope_scaling asks for something else than rope_parameters beside it; leave one of them out");
}

TEST(Rotary, TheBaseMayStandInEitherPlace) {
  EXPECT_EQ(of_json("\"rope_theta\":1e6,\"rope_parameters\":{" + kYarn + "}").rope_base, 1e6);
  EXPECT_EQ(of_json("\"rope_theta\":1e6,\"rope_scaling\":{\"rope_theta\":5e5," + kYarn + "}").rope_base, 5e5);
  EXPECT_EQ(of_json("\"rope_parameters\":{\"rope_theta\":5e5," + kYarn + "}").rope_base, 5e5);
  const std::string both = "\"rope_parameters\":{\"rope_theta\":3e4," + kYarn + "},\"rope_scaling\":{" + kYarn + "}";
  EXPECT_EQ(of_json("\"rope_theta\":1e6," + both).rope_base, 1e6) << "as transformers takes it";
}

TEST(Rotary, GgufKeysSayWhatConfigJsonSays) {
  EXPECT_EQ(of(yarn_file()).rope_scaling, of_scaling(kYarn).rope_scaling);
  EXPECT_EQ(of(yarn_file()).context, 128);
  // As llama.cpp's converter writes attention_factor and betas, and as llama.cpp itself writes what nobody set.
  const Config given = of_scaling(kYarn + R"(,"attention_factor":1.5,"beta_fast":16,"beta_slow":2)");
  MadeFile f = yarn_file();
  f.real("llama.rope.scaling.yarn_attn_factor", 1.5).real("llama.rope.scaling.yarn_beta_fast", 16);
  f.real("llama.rope.scaling.yarn_beta_slow", 2).real("llama.rope.scaling.yarn_ext_factor", 1);
  EXPECT_EQ(of(f).rope_scaling, given.rope_scaling);
  f = yarn_file();
  f.real("llama.rope.scaling.yarn_attn_factor", 1).real("llama.rope.scaling.yarn_ext_factor", -1);
  f.real("llama.rope.scaling.yarn_log_multiplier", 0).real("llama.rope.scaling.attn_factor", 1);
  EXPECT_EQ(of(f).rope_scaling, of_scaling(kYarn).rope_scaling);

  const ops::RopeScaling longrope = of(longrope_file()).rope_scaling;
  EXPECT_EQ(longrope.kind, Kind::longrope);
  EXPECT_EQ(longrope.magnitude, 1.25);
  EXPECT_EQ(longrope.original_context, 16);
}

TEST(Rotary, GgufFactorsWithoutAKindAreLinear) {
  const auto scaled = [](const std::string& kind, const char* key, double value) { return of(gguf(kind).real(key, value)).rope_scaling; };
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    EXPECT_EQ(scaled("", key, 4).kind, Kind::linear) << key;
    EXPECT_EQ(scaled("linear", key, 4).factor, 4) << key;
    EXPECT_EQ(scaled("none", key, 4), ops::RopeScaling()) << key;
    for (const double none : {0.0, 1.0}) EXPECT_EQ(scaled("", key, none), ops::RopeScaling()) << key;
    EXPECT_EQ(scaled("linear", key, 0).factor, 1) << "as llama.cpp writes a model that is not scaled";
  }
  EXPECT_EQ(scaled("", "llama.rope.scaling.attn_factor", 1.5).magnitude, 1.5);
}

TEST(Rotary, GgufKeysThatAreRefused) {
  const auto without_key = [](MadeFile&& f, const std::string& key) { return refusal(f.erase("llama.rope.scaling." + key)); };
  for (const char* key : {"factor", "original_context_length"}) {
    const std::string error = without_key(yarn_file(), key);
    EXPECT_EQ(error.substr(0, 3), "15 ") << key;
    EXPECT_NE(error.find("llama.rope.scaling." + std::string(key)), std::string::npos) << error;
  }
  for (const char* key : {"attn_factor", "original_context_length"})
    EXPECT_EQ(without_key(longrope_file(), key).substr(0, 3), "15 ") << key;
  EXPECT_EQ(refusal(gguf("linear")).substr(0, 3), "15 ");
  EXPECT_EQ(refusal(gguf("dynamic")),
            "12 llama.rope.scaling.type is \"dynamic\"; supported are none, linear, yarn, longrope and a rope_freqs tensor");
  EXPECT_EQ(refusal(yarn_file().real("llama.rope.scaling.yarn_log_multiplier", 0.1)),
            "12 llama.rope.scaling.yarn_log_multiplier is 0.1; only 0 is supported");
  EXPECT_EQ(refusal(yarn_file().real("llama.rope.scaling.yarn_ext_factor", 0.5)).substr(0, 3), "12 ");
  EXPECT_EQ(refusal(yarn_file().real("llama.rope.scaling.yarn_beta_fast", 0.5)).substr(0, 3), "15 ");
  EXPECT_EQ(refusal(longrope_file().real("llama.rope.scaling.factor", 4)).substr(0, 3), "12 ");
  EXPECT_EQ(refusal(gguf("").real("llama.rope.scaling.alpha", 1000)).substr(0, 3), "12 ");
  for (const double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)})
    for (const char* key : {"factor", "attn_factor", "yarn_attn_factor", "yarn_ext_factor"})
      EXPECT_EQ(refusal(yarn_file().real(std::string("llama.rope.scaling.") + key, bad)).substr(0, 3), "15 ") << key << bad;
  EXPECT_EQ(refusal(yarn_file().real("llama.rope.scaling.factor", -1)).substr(0, 3), "15 ");
}

TEST(Rotary, LongropeOfAGgufFileNeedsItsTensors) {
  const auto bound = [](MadeFile& f) {
    return error_of([&] {
      const formats::ModelFile& file = f.file();
      const Plan planned = plan(file);
      WeightBinder binder(file, planned.names, {}, nullptr);
      bind(planned, binder);
    });
  };
  const std::vector<float> factors{1, 2, 3, 4};
  MadeFile f = longrope_file(), other = gguf("");
  EXPECT_NE(bound(f).find("rope_factors_long.weight is missing"), std::string::npos);
  EXPECT_NE(bound(f.tensor("rope_factors_long.weight", {4}, factors)).find("rope_factors_short.weight is missing"), std::string::npos);
  EXPECT_EQ(bound(f.tensor("rope_factors_short.weight", {4}, factors)), "none");
  EXPECT_NE(bound(other.tensor("rope_factors_long.weight", {4}, factors)).find("rope_factors_long.weight has no place"), std::string::npos);
}

// Q8_0 caches hold keys without their large biases, which the scores then get back with the same rotation and magnitude.
TEST(Rotary, ScaledKeysWithLargeBiasesLoseLittleInQ8) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  formats::ModelFile file = formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/key_bias.gguf", call);
  file.metadata["qwen2.rope.scaling.type"] = std::string("yarn");
  file.metadata["qwen2.rope.scaling.factor"] = 4.0;
  file.metadata["qwen2.rope.scaling.original_context_length"] = uint64_t{64};
  std::vector<int32_t> ids(300);  // three blocks
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i * 37 % 300);
  const std::vector<float> exact = logits_of(file, ids, 2, 64), q8 = logits_of(file, ids, 2, 64, kernels::KvType::q8_0);
  double apart = 0, spread = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    apart = std::max(apart, std::fabs(static_cast<double>(exact[i] - q8[i])));
    spread = std::max(spread, std::fabs(static_cast<double>(exact[i])));
  }
  EXPECT_GT(apart, 0);
  EXPECT_LT(apart, 0.02 * spread);
}

}  // namespace
}  // namespace rustml::models
