#include "generation/saved_options.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

namespace rustml::generation {

namespace {

constexpr uint64_t kMostName = 64;  // bytes

template <class Options, class T, class Owner>
auto& at(Options& o, T Owner::*member) {
  if constexpr (std::is_same_v<Owner, GenerationOptions>)
    return o.*member;
  else
    return o.sampling.*member;
}

template <class T>
void put(PayloadWriter& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out.number(static_cast<uint32_t>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    out.number(value);
  } else {
    out.number(static_cast<uint64_t>(value.size()));
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      for (const std::string& text : value) put(out, text);
    } else {
      out.append(value.data(), value.size() * sizeof(typename T::value_type));
    }
  }
}

template <class T>
void get(base::ByteReader& in, T& value, const char* name) {
  if constexpr (std::is_same_v<T, bool>) {
    value = in.number<uint32_t>(name) != 0;
  } else if constexpr (std::is_arithmetic_v<T>) {
    value = in.number<T>(name);
  } else {
    constexpr bool texts = std::is_same_v<T, std::vector<std::string>>;
    const auto n = in.number<uint64_t>(name);
    in.require(n, texts ? sizeof(uint64_t) : sizeof(typename T::value_type), name);
    value.resize(n);
    if constexpr (texts) {
      for (std::string& text : value) get(in, text, name);
    } else {
      in.bytes(value.data(), n * sizeof(typename T::value_type), name);
    }
  }
}

template <auto Member>
constexpr SavedOption saved(const char* name) {
  return {name, [](const GenerationOptions& o, PayloadWriter& out) { put(out, at(o, Member)); },
          [](GenerationOptions& o, base::ByteReader& in, const char* what) { get(in, at(o, Member), what); }};
}

// The format of 1.0: nothing may be added, taken away or moved.
constexpr SavedOption kOptionsOf10[] = {
    saved<&SamplingOptions::seed>("seed"),
    saved<&SamplingOptions::temperature>("temperature"),
    saved<&SamplingOptions::top_p>("top_p"),
    saved<&SamplingOptions::min_p>("min_p"),
    saved<&SamplingOptions::typical_p>("typical_p"),
    saved<&SamplingOptions::repetition_penalty>("repetition_penalty"),
    saved<&SamplingOptions::presence_penalty>("presence_penalty"),
    saved<&SamplingOptions::frequency_penalty>("frequency_penalty"),
    saved<&SamplingOptions::top_k>("top_k"),
    saved<&SamplingOptions::repetition_window>("repetition_window"),
    saved<&SamplingOptions::logprobs>("logprobs"),
    saved<&SamplingOptions::logit_bias>("logit_bias"),
    saved<&GenerationOptions::max_tokens>("max_tokens"),
    saved<&GenerationOptions::stop_strings>("stop_strings"),
    saved<&GenerationOptions::stop_ids>("stop_ids"),
    saved<&GenerationOptions::ignore_eos>("ignore_eos"),
    saved<&GenerationOptions::rollback>("rollback"),
    saved<&GenerationOptions::prefill_events>("prefill_events"),
};
// In any order; a name stands for one meaning for ever. Numbers of the sampler are here by themselves (src/api/options.toml).
constexpr auto kLaterOptions =
    std::apply([](auto... later) { return std::array<SavedOption, sizeof...(later)>{saved<decltype(later)::member>(later.name)...}; },
               base::kLaterSamplingNumbers);

}  // namespace

std::span<const SavedOption> options_of_1_0() { return kOptionsOf10; }
std::span<const SavedOption> later_options() { return kLaterOptions; }

std::vector<std::byte> encode_later_options(const GenerationOptions& options, std::span<const SavedOption> known) {
  PayloadWriter all;
  uint32_t n = 0;
  for (const SavedOption& option : known) {
    PayloadWriter value, usual;
    option.write(options, value);
    option.write({}, usual);
    if (value.bytes() == usual.bytes()) continue;
    const std::string_view name = option.name;
    all.number(static_cast<uint32_t>(name.size()));
    all.append(name.data(), name.size());
    put(all, value.bytes());
    ++n;
  }
  if (n == 0) return {};
  PayloadWriter out;
  out.number(n);
  out.append(all.bytes().data(), all.bytes().size());
  return out.bytes();
}

void decode_later_options(const std::vector<std::byte>& section, GenerationOptions& options, std::span<const SavedOption> known) {
  const auto source = base::open_memory(section.data(), section.size(), "snapshot");
  base::ByteReader in(*source, 0, section.size());
  in.about("generation options");
  std::vector<std::string> seen;
  for (uint32_t left = in.number<uint32_t>("number"); left > 0; --left) {
    const auto n_name = in.number<uint32_t>("name");
    if (n_name > kMostName) fail(Status::data_loss, in.subject() + "a name has " + std::to_string(n_name) + " bytes; the file is damaged");
    const std::string name = in.string(n_name, "name");
    const auto n = in.number<uint64_t>("value");
    in.require(n, 1, "value");
    const auto option = std::find_if(known.begin(), known.end(), [&](const SavedOption& o) { return o.name == name; });
    if (option == known.end())
      fail(Status::unimplemented, "snapshot: the open generation uses the option " + base::quoted(name) +
                                      ", which this library does not know; restore it with a newer one");
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      fail(Status::data_loss, in.subject() + base::quoted(name) + " is there twice; the file is damaged");
    seen.push_back(name);
    base::ByteReader value(*source, in.position(), in.position() + n);
    value.about("generation option", option->name);
    option->read(options, value, "value");
    if (value.remaining() != 0)
      fail(Status::data_loss, value.subject() + "has " + std::to_string(value.remaining()) + " bytes too many; the file is damaged");
    in.skip(n, "value");
  }
  if (in.remaining() != 0)
    fail(Status::data_loss, in.subject() + "are followed by " + std::to_string(in.remaining()) + " bytes; the file is damaged");
}

}  // namespace rustml::generation
