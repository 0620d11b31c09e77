// The engine's events and results as the caller's, the caller's limits as the engine's.
#pragma once
#include <string_view>
#include <type_traits>
#include <vector>

#include "api/fields_generated.h"
#include "api/objects.h"
#include "generation/events.h"
#include "rustml.h"

namespace rustml::api {

// What the engine gives as the caller's struct: text as pointer and length, enumerations as numbers.
template <class To, class From>
To filled(const From& from) {
  To out{};
  for_each_field(out, from, []<class T>(T& to, const auto& value) {
    if constexpr (std::is_same_v<T, rustml_text>)
      to = {value.empty() ? "" : value.data(), value.size()};
    else
      to = static_cast<T>(value);
  });
  return out;
}

// Views into `event` and `top` stay valid as long as those.
rustml_event to_event(const generation::Event& event, std::vector<rustml_token_logprob>& top);

// Of rustml_generation_options and rustml_beam_options.
template <class T>
generation::Limits to_limits(const T& options, const CancelUse& cancel) {
  generation::Limits limits{cancel.flag(), options.deadline_ns, options.first_token_deadline_ns, options.stall_timeout_ns};
  if constexpr (std::is_same_v<T, rustml_generation_options>)
    base::for_each_running_number([](const auto&, auto from, auto& to) { to = from; }, options, limits);
  return limits;
}

}  // namespace rustml::api
