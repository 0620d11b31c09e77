// A tiny real model of tests/golden, opened for the tests of this room.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "generation/generation.h"

namespace rustml::generation {

inline std::shared_ptr<Engine> open_tiny(const std::string& name, const ModelOptions& options = {}) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return std::make_shared<Engine>(formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/" + name + ".gguf", call), options,
                                  call);
}

inline std::shared_ptr<Session> new_session(const std::shared_ptr<Engine>& engine, const SessionOptions& options = {}) {
  return std::make_shared<Session>(engine, options);
}

inline void eval(Session& session, const std::vector<int32_t>& ids) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  session.eval(ids.data(), ids.size(), call);
}

inline Prompt of_ids(std::vector<int32_t> ids) {
  Prompt p;
  p.kind = PromptKind::ids;
  p.ids = std::move(ids);
  return p;
}

inline std::vector<int32_t> some_ids(size_t n, int32_t seed = 1) {
  std::vector<int32_t> ids;
  uint32_t x = static_cast<uint32_t>(seed);
  for (size_t i = 0; i < n; ++i) ids.push_back(static_cast<int32_t>((x = x * 1664525u + 1013904223u) >> 8) % 256 + 3);
  return ids;
}

struct Answer {
  std::vector<int32_t> tokens;
  std::string text;
  Finish finish = Finish::none;
};

inline Answer finish(Generation& generation, size_t most = SIZE_MAX) {
  Answer a;
  Event e;
  while (a.tokens.size() < most && generation.next(e) == base::Status::ok) {
    a.text += e.text;
    if (e.kind == EventKind::token) a.tokens.push_back(e.token_id);
    if (e.kind == EventKind::stopped) a.finish = e.finish;
  }
  return a;
}

// Status of the Error that `body` throws; ok if none.
template <class Body>
base::Status status_of(Body body) {
  try {
    body();
  } catch (const base::Error& e) {
    EXPECT_FALSE(e.message().empty());
    return e.status();
  }
  return base::Status::ok;
}

}  // namespace rustml::generation
