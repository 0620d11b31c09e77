#include "api/callbacks.h"
#include "api/guard.h"
#include "api/options.h"

using namespace rustml::api;
using rustml::tokenizer::Tokenizer;

namespace {

void require_id(const Tokenizer& tokenizer, int32_t id, const std::string& name) {
  if (id < 0 || id >= tokenizer.size()) refuse_field(name, id, "a token id of this model, 0 to " + std::to_string(tokenizer.size() - 1));
}

const Tokenizer& tokenizer_of(Scope& scope, const rustml_model* model) {
  const Tokenizer& tokenizer = scope.model(model).tokenizer();
  if (!tokenizer.exists())
    rustml::base::fail(rustml::base::Status::failed_precondition,
                       "this model came without a tokenizer (no tokenizer.json): text calls need one; ids work");
  return tokenizer;
}

}  // namespace

int32_t rustml_model_encode(const rustml_model* model, const char* text, uint64_t len, uint32_t flags, int32_t* ids, uint64_t capacity,
                            uint64_t* needed, const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    const OutBuffer out(ids, capacity, needed);
    const Tokenizer& tokenizer = tokenizer_of(scope, model);
    require_flags(flags, RUSTML_ENCODE_ADD_SPECIAL | RUSTML_ENCODE_PARSE_SPECIAL | RUSTML_ENCODE_STRICT, "flags");
    const auto input = read_text(text, len, "text");
    rustml::tokenizer::EncodeOptions options;
    options.add_special = (flags & RUSTML_ENCODE_ADD_SPECIAL) != 0;
    options.parse_special = (flags & RUSTML_ENCODE_PARSE_SPECIAL) != 0;
    options.strict = (flags & RUSTML_ENCODE_STRICT) != 0;
    LongCall long_call(call, "encode");
    const auto encoding = tokenizer.encode(input, options, long_call.call().stop);
    return out.fill(encoding.ids.data(), encoding.ids.size());
  });
}

int32_t rustml_model_decode(const rustml_model* model, const int32_t* ids, uint64_t n, uint32_t flags, char* buf, uint64_t capacity,
                            uint64_t* needed, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutBuffer out(buf, capacity, needed);
    const Tokenizer& tokenizer = tokenizer_of(scope, model);
    require_flags(flags, RUSTML_DECODE_SKIP_SPECIAL, "flags");
    const auto input = read_ids(ids, n, "ids");
    for (size_t i = 0; i < input.size(); ++i) require_id(tokenizer, input[i], "ids[" + std::to_string(i) + "]");
    const std::string text = tokenizer.decode(input.data(), input.size(), (flags & RUSTML_DECODE_SKIP_SPECIAL) != 0);
    return out.fill(text.data(), text.size());
  });
}

int32_t rustml_model_token_bytes(const rustml_model* model, int32_t id, uint8_t* buf, uint64_t capacity, uint64_t* needed,
                                 rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutBuffer out(buf, capacity, needed);
    const Tokenizer& tokenizer = tokenizer_of(scope, model);
    require_id(tokenizer, id, "id");
    const std::string_view bytes = tokenizer.token_bytes(id);
    return out.fill(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  });
}

int32_t rustml_model_token_info(const rustml_model* model, int32_t id, rustml_token_info* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct result(out);
    const Tokenizer& tokenizer = tokenizer_of(scope, model);
    require_id(tokenizer, id, "id");
    rustml_token_info filled{};
    filled.flags = tokenizer.token_flags(id);
    filled.score = tokenizer.token_score(id);
    result.write(filled);
  });
}

int32_t rustml_model_chat_format(const rustml_model* model, const char* messages_json, uint64_t len, const rustml_chat_options* options,
                                 char* buf, uint64_t capacity, uint64_t* needed, const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope& scope) {
    const OutBuffer out(buf, capacity, needed);
    const auto& engine = scope.model(model);
    const bool add_generation_prompt = adds_generation_prompt(options);
    const auto messages = read_text(messages_json, len, "messages_json");
    LongCall long_call(call, "chat format");
    const std::string text = engine.chat_format(messages, add_generation_prompt, long_call.call().stop);
    return out.fill(text.data(), text.size());
  });
}
