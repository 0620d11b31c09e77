#include "made_file.h"

#include "kernels/select.h"

namespace rustml::models {

std::vector<float> logits_of(const formats::ModelFile& file, const std::vector<int32_t>& ids, int n_threads, int64_t chunk,
                             kernels::KvType kv_type) {
  const Plan planned = plan(file);
  const Config& config = planned.config;
  WeightBinder counting(file, planned.names, {}, nullptr);
  bind(planned, counting);
  runtime::Region memory(counting.bytes(), runtime::Region::Pages::normal);
  WeightBinder binder(file, planned.names, {}, memory.data());
  const std::unique_ptr<Decoder> model = bind(planned, binder);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto team = runtime::ThreadTeam::lease();
  binder.load(*team, {n_threads, false}, call);
  model->loaded();

  const auto budget = std::make_shared<runtime::MemoryBudget>(0);
  Scratch scratch(config, chunk, config.context, n_threads, budget);
  KvCache cache(model->kv_shape(), kv_type, static_cast<uint64_t>(config.context), 0, budget);
  cache.reserve(ids.size());
  std::vector<float> hidden(static_cast<size_t>(config.hidden)), out(static_cast<size_t>(config.vocab));
  runtime::ProfileLines profile;
  for (size_t at = 0; at < ids.size(); at += static_cast<size_t>(chunk)) {
    const auto n = static_cast<int64_t>(std::min(ids.size() - at, static_cast<size_t>(chunk)));
    Pass pass{ids.data() + at, n, cache, scratch, hidden.data(), out.data(), profile};
    team->run(
        n_threads, model->n_steps(), [&](int s, runtime::Member& m) { model->step(s, m, kernels::best(), pass); }, stop);
    cache.set_length(at + static_cast<size_t>(n));
  }
  std::vector<float> again(out.size());
  team->run(
      n_threads, 1, [&](int, runtime::Member& m) { model->project(hidden.data(), m, kernels::best(), scratch, profile, again.data()); },
      stop);
  if (again != out) throw base::Error(base::Status::internal, "a hidden state gave other scores later");
  return out;
}

}  // namespace rustml::models
