#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/json.h"

namespace golden {
namespace {

using rustml::base::Json;

const std::string kData = std::string(RUSTML_TEST_DATA) + "/data/";

[[noreturn]] void missing(const std::string& what) {
  std::fprintf(stderr, "golden data: %s is not as the scripts of tests/golden write it\n", what.c_str());
  std::exit(1);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) missing(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Json* find(const Json& object, const char* name) { return object.find(name); }

double number(const Json& object, const char* name) {
  const Json* value = find(object, name);
  return value == nullptr ? 0 : value->number;
}

std::string text(const Json& object, const char* name) {
  const Json* value = find(object, name);
  return value == nullptr ? "" : value->string;
}

// The items of a list made into values; an absent list is empty.
template <class Make>
auto each(const Json* list, Make make) {
  std::vector<decltype(make(*list))> out;
  if (list == nullptr) return out;
  for (const Json& item : list->items) out.push_back(make(item));
  return out;
}

std::vector<int32_t> ids(const Json* list) {
  return each(list, [](const Json& item) { return static_cast<int32_t>(item.integer); });
}

std::vector<Choice> choices(const Json* list) {
  return each(list, [](const Json& pair) { return Choice{static_cast<int32_t>(pair.items.at(0).integer), pair.items.at(1).number}; });
}

Prompt prompt(const Json& object) {
  Prompt p;
  p.name = text(object, "name");
  p.kind = text(object, "kind");
  p.text = text(object, "text");
  p.ids = ids(find(object, "ids"));
  p.greedy = ids(find(object, "greedy"));
  p.context = static_cast<uint64_t>(number(object, "context"));
  p.steps = each(find(object, "steps"),
                 [](const Json& step) { return step.find("top") == nullptr ? choices(&step) : choices(step.find("top")); });
  p.first = choices(find(object, "first"));
  p.exact_first = each(find(object, "exact_first"), [](const Json& item) { return item.number; });
  return p;
}

// float32, little-endian: a row of vocab_size for each prompt, then for block types again one each.
void read_logprobs(Reference& r, const std::string& path) {
  const std::string bytes = read_file(path);
  const size_t rows = r.prompts.size() * (r.blocks ? 2 : 1);
  if (bytes.size() != rows * r.vocab_size * sizeof(float)) missing(path);
  const float* values = reinterpret_cast<const float*>(bytes.data());
  for (size_t i = 0; i < rows; ++i, values += r.vocab_size) {
    Prompt& p = r.prompts[i % r.prompts.size()];
    (i < r.prompts.size() ? p.logprobs : p.rounded_logprobs).assign(values, values + r.vocab_size);
  }
}

// For each position `top` int32 ids, then as many float32 log-probabilities.
void read_passages(Reference& r, const Json& root, const std::string& path) {
  const std::string bytes = read_file(path);
  const auto top = static_cast<size_t>(number(root, "top"));
  const char* at = bytes.data();
  for (const Json& object : find(root, "passages")->items) {
    Passage p{text(object, "name"), ids(find(object, "ids")), static_cast<size_t>(number(object, "first")), 0, 0, {}};
    p.kl_bound_mean = find(object, "kl_bounds")->items.at(0).number;
    p.kl_bound_one = find(object, "kl_bounds")->items.at(1).number;
    p.best.resize(static_cast<size_t>(number(object, "n")), std::vector<Choice>(top));
    if (static_cast<size_t>(bytes.data() + bytes.size() - at) < p.best.size() * top * 8) missing(path);
    for (std::vector<Choice>& best : p.best) {
      for (size_t i = 0; i < top; ++i) {
        float logprob = 0;
        std::memcpy(&best[i].id, at + 4 * i, 4);
        std::memcpy(&logprob, at + 4 * (top + i), 4);
        best[i].logprob = double{logprob};
      }
      at += 8 * top;
    }
    r.passages.push_back(std::move(p));
  }
}

}  // namespace

Reference load(const std::string& name) {
  const Json root = rustml::base::parse_json(read_file(kData + name + ".json"), name + ".json");
  Reference r;
  r.name = name;
  r.path = kData + text(root, "file");
  r.blocks = find(root, "blocks") != nullptr && find(root, "blocks")->boolean;
  r.logprob_tolerance = number(root, "logprob_tolerance");
  r.kl_bound = number(root, "kl_bound");
  r.near_tie = number(root, "near_tie");
  r.vocab_size = static_cast<uint32_t>(number(root, "vocab_size"));
  r.encodings = each(find(root, "encodings"), prompt);
  r.prompts = each(find(root, "prompts"), prompt);
  if (r.prompts.empty()) missing(name + ".json");
  for (const Prompt& p : r.prompts) {
    if (p.steps.size() != p.greedy.size() || p.exact_first.size() != p.first.size()) missing(name + ".json");
  }
  if (find(root, "passages") != nullptr) read_passages(r, root, kData + name + ".logprobs");
  if (r.vocab_size > 0) read_logprobs(r, kData + text(root, "logprobs"));
  return r;
}

std::vector<std::string> tiny_models() {
  return {"base_f32", "base_f16",   "base_bf16",  "base_q8_0", "base_q4_0", "base_q4_1", "odd_f32",  "odd_f16",
          "bias_f16", "llama3_f16", "linear_f16", "kquant",    "iq4",       "iq3",       "slow_q4_0"};
}

std::vector<double> log_softmax(const std::vector<float>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - top);
  std::vector<double> out;
  for (const float x : logits) out.push_back(x - top - std::log(sum));
  return out;
}

double divergence(const std::vector<float>& reference_logprobs, const std::vector<double>& logprobs) {
  double sum = 0;
  for (size_t i = 0; i < logprobs.size(); ++i) {
    sum += std::exp(double{reference_logprobs[i]}) * (reference_logprobs[i] - logprobs[i]);
  }
  return sum;
}

double divergence_of_best(const std::vector<Choice>& best, const std::vector<double>& logprobs) {
  double sum = 0, expected = 0, actual = 0;  // probability of `best` in all
  for (const Choice& c : best) {
    const double ours = logprobs[static_cast<size_t>(c.id)];
    sum += std::exp(c.logprob) * (c.logprob - ours);
    expected += std::exp(c.logprob);
    actual += std::exp(ours);
  }
  const double rest = std::max(1 - expected, 1e-12), our_rest = std::max(1 - actual, 1e-12);
  return sum + rest * std::log(rest / our_rest);
}

}  // namespace golden
