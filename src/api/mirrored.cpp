// The rooms below know nothing of rustml.h and have its numbers under names of their own. Here they are compared.
#include "base/log.h"
#include "generation/batch.h"
#include "generation/beam_search.h"
#include "generation/events.h"
#include "generation/options.h"
#include "runtime/deadline.h"
#include "rustml.h"
#include "tokenizer/tokenizer.h"

namespace rustml::mirrored {

#define SAME(ours, theirs) static_assert(static_cast<int64_t>(ours) == RUSTML_##theirs)
SAME(runtime::kReasonDeadline, CANCEL_REASON_DEADLINE);
SAME(generation::kStopOne, CALLBACK_STOP_ONE);

using generation::EventKind;
SAME(EventKind::prefill, EVENT_PREFILL);
SAME(EventKind::token, EVENT_TOKEN);
SAME(EventKind::stopped, EVENT_STOPPED);

using generation::Finish;
SAME(Finish::none, FINISH_NONE);
SAME(Finish::stop_token, FINISH_STOP_TOKEN);
SAME(Finish::stop_string, FINISH_STOP_STRING);
SAME(Finish::length, FINISH_LENGTH);
SAME(Finish::context_full, FINISH_CONTEXT_FULL);
SAME(Finish::cancelled, FINISH_CANCELLED);
SAME(Finish::deadline, FINISH_DEADLINE);
SAME(Finish::callback, FINISH_CALLBACK);
SAME(Finish::closed, FINISH_CLOSED);
SAME(Finish::error, FINISH_ERROR);

using generation::Deadline;
SAME(Deadline::none, DEADLINE_NONE);
SAME(Deadline::total, DEADLINE_TOTAL);
SAME(Deadline::first_token, DEADLINE_FIRST_TOKEN);
SAME(Deadline::stall, DEADLINE_STALL);
SAME(Deadline::cancel, DEADLINE_BY_CANCEL);

using generation::EarlyStopping;
SAME(EarlyStopping::heuristic, EARLY_STOPPING_HEURISTIC);
SAME(EarlyStopping::first, EARLY_STOPPING_FIRST);
SAME(EarlyStopping::never, EARLY_STOPPING_NEVER);

using Quantize = generation::ModelOptions::Quantize;
SAME(Quantize::automatic, QUANTIZE_AUTO);
SAME(Quantize::keep, QUANTIZE_KEEP);
SAME(Quantize::q8_0, QUANTIZE_Q8_0);
SAME(Quantize::q4_0, QUANTIZE_Q4_0);

SAME(generation::PromptKind::text, PROMPT_TEXT);
SAME(generation::PromptKind::ids, PROMPT_IDS);
SAME(generation::PromptKind::messages, PROMPT_MESSAGES);

SAME(kernels::KvType::f32, KV_F32);
SAME(kernels::KvType::f16, KV_F16);
SAME(kernels::KvType::q8_0, KV_Q8_0);

SAME(tokenizer::kSpecial, TOKEN_SPECIAL);
SAME(tokenizer::kByte, TOKEN_BYTE);
SAME(tokenizer::kUnknown, TOKEN_UNKNOWN);
SAME(tokenizer::kStop, TOKEN_STOP);

using base::LogLevel;
SAME(LogLevel::error, LOG_ERROR);
SAME(LogLevel::warn, LOG_WARN);
SAME(LogLevel::info, LOG_INFO);
SAME(LogLevel::debug, LOG_DEBUG);
SAME(LogLevel::trace, LOG_TRACE);
#undef SAME

}  // namespace rustml::mirrored
