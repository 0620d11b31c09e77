// What the measuring commands share: fixed prompts, answers pulled token by token, quantiles.
#pragma once
#include <cstdint>
#include <vector>

#include "cli/arguments.h"
#include "cli/client.h"

namespace rustml::cli {

// Of bench and profile: how many tokens to measure.
struct MeasureArguments {
  ModelArguments model;
  SessionArguments session;
  uint64_t prefill = 128, decode = 64;
};
void add_measure_options(Options& options, MeasureArguments& a);  // `a` lives as long as the command

// The same pseudo-random ids on every machine and in every run; bench/'s peers make the same ones.
constexpr uint64_t kFixedSeed = 20240229;
std::vector<int32_t> fixed_ids(uint64_t n, uint32_t vocab_size, uint64_t seed = kFixedSeed);

double median(std::vector<double> values);
// The smallest value that the part q of all does not exceed; 0 of none.
double quantile(std::vector<double> values, double q);

// How busy other processes (and other virtual machines) kept this machine's processors since construction: 0 to the number of
// processors; negative: unknown. What makes a measurement worthless should be seen in it.
class OtherLoad {
 public:
  OtherLoad();
  double processors() const;

 private:
  double begin_, busy_;  // seconds; of all processors, without this process
};

// Greedy tokens of a prompt of ids, EOS ignored.
class TokenStream {
 public:
  TokenStream(rustml_session* session, const std::vector<int32_t>& ids, uint64_t max_tokens, rustml_cancel* cancel);
  // Seconds (now_seconds) at which the next token was there. Throws Failure when the answer ended.
  double next();

 private:
  Generation generation_;
  uint64_t n_ = 0;
};

// The prompt evaluated in an empty session: seconds.
double prefill_seconds(rustml_session* session, const std::vector<int32_t>& ids, rustml_cancel* cancel);

}  // namespace rustml::cli
