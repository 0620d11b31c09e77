// A stand-in for the generation room: a byte-level "model" whose next token is a function of the tokens so far. Handles,
// guard, callbacks, views and statuses are tried on it without weights, with faults where a test wants them.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>

namespace rustml::fake {

constexpr int32_t kVocabulary = 258, kBos = 256, kEos = 257;

// Runs inside eval, generation next, snapshot and restore, and may throw anything.
extern std::function<void()> on_work;
// How many of each are alive.
extern std::atomic<int> n_engines, n_sessions, n_generations;

}  // namespace rustml::fake
