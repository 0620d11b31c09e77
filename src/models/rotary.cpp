#include "models/rotary.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/number_text.h"

namespace rustml::models {

using base::fail;
using base::Status;
using ops::RopeScaling;
using Kind = RopeScaling::Kind;

namespace {

constexpr const char *kType = "rope.scaling.type", *kFactor = "rope.scaling.factor", *kOriginal = "rope.scaling.original_context_length",
                     *kMagnitude = "rope.scaling.attn_factor", *kBetaFast = "rope.scaling.yarn_beta_fast",
                     *kBetaSlow = "rope.scaling.yarn_beta_slow";

// What YaRN's own magnitude is multiplied with, as GGUF holds it: both formats give the same bits.
double yarn_correction(double magnitude, double factor) { return double{static_cast<float>(magnitude / ops::yarn_magnitude(factor))}; }

double gguf_factor(const GgufKeys& keys, bool required) {
  for (const char* key : {kFactor, "rope.scale_linear"})                        // the second is the name that files of 2023 have
    if (keys.has(key)) return keys.real(key, 0) == 0 ? 1 : keys.positive(key);  // llama.cpp writes 0 where nothing is scaled
  return required ? keys.positive(kFactor) : 1;
}

void require_value(const GgufKeys& keys, const char* key, double supported) {
  if (const double value = keys.real(key, supported); value != supported)
    fail(Status::unimplemented, keys.name(key) + " is " + base::shortest(value) + "; only " + base::shortest(supported) + " is supported");
}

void read_yarn(const GgufKeys& keys, RopeScaling& scaling) {
  constexpr const char *kExtrapolation = "rope.scaling.yarn_ext_factor", *kAttention = "rope.scaling.yarn_attn_factor";
  const bool unset = keys.real(kExtrapolation, 0) < 0;  // llama.cpp writes -1, and 1 for the attention factor, where nobody gave them
  if (!unset) require_value(keys, kExtrapolation, 1);
  require_value(keys, "rope.scaling.yarn_log_multiplier", 0);  // what it multiplies depends on the architecture
  scaling.original_context = static_cast<double>(keys.size(kOriginal, kMaxContext));
  scaling.beta_fast = keys.positive(kBetaFast, scaling.beta_fast);
  scaling.beta_slow = keys.positive(kBetaSlow, scaling.beta_slow);
  if (scaling.beta_fast < scaling.beta_slow)
    fail(Status::data_loss, keys.name(kBetaFast) + " is " + base::shortest(scaling.beta_fast) + "; it must be at least " +
                                keys.name(kBetaSlow) + " (" + base::shortest(scaling.beta_slow) + ")");
  const double plain = ops::yarn_magnitude(scaling.factor);
  scaling.magnitude *= plain * (unset ? 1 : yarn_correction(keys.positive(kAttention, plain), scaling.factor));
}

void read_longrope(const GgufKeys& keys, RopeScaling& scaling) {
  keys.positive(kMagnitude);  // required: what it would be without depends on the architecture
  require_value(keys, kFactor, 1);
  scaling.original_context = static_cast<double>(keys.size(kOriginal, kMaxContext));
}

void read_llama3(const base::JsonFields& rope, RopeScaling& scaling) {
  scaling.low_freq_factor = rope.positive("low_freq_factor");
  scaling.high_freq_factor = rope.positive("high_freq_factor");
  if (!(scaling.high_freq_factor > scaling.low_freq_factor)) rope.fail("high_freq_factor", "must be greater than low_freq_factor");
}

void read_yarn(const base::JsonFields& rope, RopeScaling& scaling) {
  scaling.beta_fast = rope.positive("beta_fast", scaling.beta_fast);
  scaling.beta_slow = rope.positive("beta_slow", scaling.beta_slow);
  if (scaling.beta_fast < scaling.beta_slow) rope.fail("beta_fast", "must be at least beta_slow");
  scaling.truncate = rope.flag("truncate", true);
  const auto is_zero = [&](const char* field) {
    const base::Json* value = rope.find(field);
    return value && value->kind != base::Json::Kind::string && value->number == 0;
  };
  const double plain = ops::yarn_magnitude(scaling.factor);
  double magnitude = plain;
  if (rope.has("mscale") && rope.has("mscale_all_dim") && !is_zero("mscale") && !is_zero("mscale_all_dim"))
    magnitude =
        ops::yarn_magnitude(scaling.factor, rope.positive("mscale")) / ops::yarn_magnitude(scaling.factor, rope.positive("mscale_all_dim"));
  scaling.magnitude = plain * yarn_correction(rope.positive("attention_factor", magnitude), scaling.factor);
}

std::vector<float> read_divisors(const base::JsonFields& rope, const char* field, int64_t n_pairs) {
  std::vector<float> divisors;
  for (const base::Json& item : rope.list(field)) {
    divisors.push_back(static_cast<float>(item.number));
    if (!(divisors.back() > 0) || !std::isfinite(divisors.back())) rope.fail(field, "holds something else than positive numbers");
  }
  if (std::ssize(divisors) != n_pairs)
    rope.fail(field, "has " + std::to_string(divisors.size()) + " values; it must have " + std::to_string(n_pairs) +
                         ", one for each pair of a head");
  return divisors;
}

void read_longrope(const base::JsonFields& rope, const Config& c, RopeScaling& scaling) {
  scaling.short_divisors = read_divisors(rope, "short_factor", c.head_dim / 2);
  scaling.long_divisors = read_divisors(rope, "long_factor", c.head_dim / 2);
  const double factor = rope.positive("factor", static_cast<double>(c.context) / scaling.original_context);
  const double magnitude = rope.positive("attention_factor", ops::longrope_magnitude(factor, scaling.original_context));
  scaling.magnitude = double{static_cast<float>(magnitude)};  // as GGUF holds it
}

// What transformers leaves to other models, or ignores while others do not.
void refuse_other_fields(const base::JsonFields& json) {
  json.require_absent("alpha");
  for (const char* field : {"partial_rotary_factor", "attn_factor", "extrapolation_factor"})
    if (const double value = json.positive(field, 1); value != 1) json.unsupported(field, base::shortest(value), "1");
}

// `json`: what `rope` is a field of.
RopeScaling read_object(const base::JsonFields& rope, const base::JsonFields& json, const Config& c) {
  RopeScaling scaling;
  refuse_other_fields(rope);
  const char* kind_field = rope.has("rope_type") ? "rope_type" : "type";
  constexpr Kind kKinds[] = {Kind::none, Kind::linear, Kind::llama3, Kind::yarn, Kind::dynamic, Kind::longrope, Kind::longrope};
  if (rope.has(kind_field))
    scaling.kind = kKinds[rope.choice(kind_field, {"default", "linear", "llama3", "yarn", "dynamic", "longrope", "su"})];
  if (scaling.kind == Kind::none) return scaling;
  if (scaling.kind != Kind::longrope) scaling.factor = rope.positive("factor");
  if (scaling.kind == Kind::dynamic) scaling.original_context = static_cast<double>(c.context);
  if (scaling.kind == Kind::llama3 || scaling.kind == Kind::yarn || scaling.kind == Kind::longrope) {
    constexpr const char* kField = "original_max_position_embeddings";
    const base::JsonFields& holder = json.has(kField) ? json : rope;
    scaling.original_context = static_cast<double>(holder.size(kField, kMaxContext));
  }
  if (scaling.kind == Kind::llama3) read_llama3(rope, scaling);
  if (scaling.kind == Kind::yarn) read_yarn(rope, scaling);
  if (scaling.kind == Kind::longrope) read_longrope(rope, c, scaling);
  if (!(scaling.magnitude > 0) || !std::isfinite(scaling.magnitude))
    rope.fail("attention_factor", "is " + base::shortest(scaling.magnitude) + " as a float; it must be a positive number");
  return scaling;
}

}  // namespace

void read_gguf_scaling(const GgufKeys& keys, Config& c) {
  const std::string kind = keys.text(kType, "");
  RopeScaling scaling;
  scaling.factor = gguf_factor(keys, kind == "linear" || kind == "yarn");
  scaling.magnitude = keys.positive(kMagnitude, 1);
  require_value(keys, "rope.scaling.alpha", 0);
  if (kind == "linear" || (kind.empty() && scaling.factor != 1)) {
    scaling.kind = Kind::linear;
  } else if (kind == "yarn") {
    scaling.kind = Kind::yarn;
    read_yarn(keys, scaling);
  } else if (kind == "longrope") {
    scaling.kind = Kind::longrope;
    read_longrope(keys, scaling);
  } else if (kind.empty() || kind == "none") {
    scaling.factor = 1;
  } else {
    fail(Status::unimplemented,
         keys.name(kType) + " is " + base::quoted(kind) + "; supported are none, linear, yarn, longrope and a rope_freqs tensor");
  }
  use_scaling(std::move(scaling), c);
}

RopeScaling read_json_scaling(const base::JsonFields& json, const char* field, const Config& c) {
  const std::string other = "rope_scaling";
  refuse_other_fields(json);
  if (!json.has(field)) return json.has(other) ? read_object(json.object(other), json, c) : RopeScaling();
  RopeScaling scaling = read_object(json.object(field), json, c);
  if (field != other && json.has(other) && read_object(json.object(other), json, c) != scaling)
    fail(Status::unimplemented, json.place(other) + " asks for something else than " + field + " beside it; leave one of them out");
  return scaling;
}

void use_scaling(RopeScaling scaling, Config& c) {
  if (scaling.kind == Kind::yarn || scaling.kind == Kind::dynamic) {
    const double tokens = std::min(scaling.factor * scaling.original_context, static_cast<double>(kMaxContext));
    c.context = std::max(c.context, static_cast<int64_t>(tokens));
  }
  c.rope_scaling = std::move(scaling);
}

void write_gguf_scaling(const Config& c, const GgufKeyWriter& keys) {
  const RopeScaling& scaling = c.rope_scaling;
  const auto original = static_cast<int64_t>(scaling.original_context);
  switch (scaling.kind) {
    case Kind::none:
    case Kind::llama3: return;  // a tensor
    case Kind::linear:
      keys.text(kType, "linear");
      keys.real(kFactor, scaling.factor);
      return;
    case Kind::dynamic:
      base::log(base::LogLevel::warn, "rustml",
                "GGUF has no dynamic rotary scaling: the file holds the model's first " + std::to_string(original) + " tokens of context");
      keys.size("context_length", original);
      return;
    case Kind::yarn:
      if (!scaling.truncate) fail(Status::unimplemented, "config.json: YaRN's truncate is false, for which GGUF has no key");
      keys.text(kType, "yarn");
      keys.real(kFactor, scaling.factor);
      keys.size(kOriginal, original);
      if (const double correction = yarn_correction(scaling.magnitude, scaling.factor); correction != 1) keys.real(kMagnitude, correction);
      if (scaling.beta_fast != RopeScaling().beta_fast) keys.real(kBetaFast, scaling.beta_fast);
      if (scaling.beta_slow != RopeScaling().beta_slow) keys.real(kBetaSlow, scaling.beta_slow);
      return;
    case Kind::longrope:
      keys.text(kType, "longrope");
      keys.size(kOriginal, original);
      keys.real(kMagnitude, scaling.magnitude);
  }
}

}  // namespace rustml::models
