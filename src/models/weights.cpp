#include "models/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "runtime/jobs.h"

namespace rustml::models {

using base::fail;
using base::Status;

namespace {

constexpr uint64_t kAlign = 64;
constexpr int64_t kJobBytes = 1 << 20;     // of file read by one job
constexpr int64_t kBatchBytes = 64 << 20;  // of file between two chances for other sessions and for progress

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

void check_row(const formats::TensorInfo& tensor, const std::byte* row, int64_t cols, int64_t index, std::vector<float>& values) {
  values.resize(static_cast<size_t>(cols));
  tensor::dequantize(tensor.dtype, row, cols, values.data());
  if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
  fail(Status::data_loss,
       "tensor " + tensor.name + ": row " + std::to_string(index) + " holds a value that is not finite; the file is damaged");
}

}  // namespace

int64_t RowOrder::file_row(int64_t r) const noexcept {
  if (pairs_of_head == 0) return r;
  const int64_t half = pairs_of_head / 2, head = r / pairs_of_head, i = r % pairs_of_head;
  return head * pairs_of_head + i % half * 2 + i / half;
}

const formats::TensorInfo& WeightBinder::tensor(const std::string& name, const std::vector<int64_t>& shape) {
  const formats::TensorInfo* t = file_.find(name);
  if (!t) fail(Status::data_loss, "tensor " + name + " is missing; the file is incomplete or of another architecture");
  if (t->shape != shape)
    fail(Status::data_loss, "tensor " + name + " has shape " + shape_text(t->shape) + "; the configuration asks for " + shape_text(shape),
         "{\"tensor\":\"" + name + "\",\"want\":" + shape_text(shape) + ",\"got\":" + shape_text(t->shape) + "}");
  bound_.insert(t);
  ++n_tensors_;
  int64_t n = 1;
  for (const int64_t d : shape) n *= d;
  n_parameters_ += static_cast<uint64_t>(n);
  return *t;
}

std::byte* WeightBinder::place(uint64_t bytes) {
  const uint64_t at = used_;
  used_ += (bytes + kAlign - 1) / kAlign * kAlign;
  return base_ ? base_ + at : nullptr;
}

ops::Matrix WeightBinder::matrix(const std::string& name, int64_t rows, int64_t cols, const char* label, RowOrder order) {
  const formats::TensorInfo& t = tensor(name, {rows, cols});
  ops::Matrix m{kernels::packed_type(t.dtype), rows, cols, nullptr, nullptr, label};
  n_quantized_ += m.quantized();
  std::byte* data = place(static_cast<uint64_t>(m.bytes()));
  m.data = data;
  if (!base_) return m;
  // Jobs of whole heads where rows are reordered, so that a job reads exactly the rows it packs.
  const int64_t file_panel = tensor::row_bytes(t.dtype, cols) * kernels::kPanelRows;
  const int64_t unit = std::max<int64_t>(1, order.pairs_of_head);
  const int64_t step = std::max<int64_t>(1, kJobBytes / file_panel / unit) * unit;
  for (int64_t p = 0; p < m.panels(); p += step)
    jobs_.push_back({&t, data + p * m.panel_bytes(), p, std::min(m.panels(), p + step), rows, cols, order, false});
  return m;
}

void WeightBinder::require_all_bound() const {
  for (const formats::TensorInfo& t : file_.tensors)
    if (!bound_.contains(&t))
      fail(Status::unimplemented,
           "tensor " + t.name + " has no place in this architecture as supported here; without it results would be wrong");
}

const float* WeightBinder::vector(const std::string& name, int64_t n, RowOrder order) {
  const formats::TensorInfo& t = tensor(name, {n});
  std::byte* data = place(static_cast<uint64_t>(n) * sizeof(float));
  if (base_) jobs_.push_back({&t, data, 0, 1, 1, n, order, true});
  return reinterpret_cast<const float*>(data);
}

uint64_t WeightBinder::run_vector(const Job& job, bool check_values) const {
  std::vector<std::byte> bytes(static_cast<size_t>(tensor::row_bytes(job.tensor->dtype, job.cols)));
  file_.read(*job.tensor, 0, bytes.data(), bytes.size());
  std::vector<float> values(static_cast<size_t>(job.cols));
  if (check_values) check_row(*job.tensor, bytes.data(), job.cols, 0, values);
  tensor::dequantize(job.tensor->dtype, bytes.data(), job.cols, values.data());
  auto* to = reinterpret_cast<float*>(job.to);
  for (int64_t i = 0; i < job.cols; ++i) to[i] = values[static_cast<size_t>(job.order.file_row(i))];
  return base::hash64(bytes.data(), bytes.size());
}

uint64_t WeightBinder::run(const Job& job, bool check_values) const {
  const int64_t row_bytes = tensor::row_bytes(job.tensor->dtype, job.cols);
  if (job.is_vector) return run_vector(job, check_values);
  const int64_t begin = job.panel_begin * kernels::kPanelRows, end = std::min(job.rows, job.panel_end * kernels::kPanelRows);
  int64_t low = job.rows, high = 0;  // file rows of this job
  for (int64_t r = begin; r < end; ++r) {
    low = std::min(low, job.order.file_row(r));
    high = std::max(high, job.order.file_row(r) + 1);
  }
  std::vector<std::byte> bytes(static_cast<size_t>((high - low) * row_bytes));
  file_.read(*job.tensor, static_cast<uint64_t>(low * row_bytes), bytes.data(), bytes.size());
  if (check_values) {
    std::vector<float> values;
    for (int64_t r = low; r < high; ++r) check_row(*job.tensor, bytes.data() + (r - low) * row_bytes, job.cols, r, values);
  }
  const int64_t panel_bytes = kernels::panel_bytes(kernels::packed_type(job.tensor->dtype), job.cols);
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    const std::byte* rows[kernels::kPanelRows];
    for (int64_t i = 0; i < kernels::kPanelRows; ++i) {
      const int64_t r = p * kernels::kPanelRows + i;
      rows[i] = r < job.rows ? bytes.data() + (job.order.file_row(r) - low) * row_bytes : nullptr;
    }
    kernels::pack_panel(job.tensor->dtype, rows, job.cols, job.to + (p - job.panel_begin) * panel_bytes);
  }
  return base::hash64(bytes.data(), bytes.size());
}

base::Hash128 WeightBinder::load(runtime::ThreadTeam& team, const Options& options, runtime::Call& call) const {
  const auto bytes_of = [](const Job& job) {
    return tensor::row_bytes(job.tensor->dtype, job.cols) * (job.is_vector ? 1 : (job.panel_end - job.panel_begin) * kernels::kPanelRows);
  };
  uint64_t total = 0, done = 0;
  for (const Job& job : jobs_) total += static_cast<uint64_t>(bytes_of(job));
  std::vector<uint64_t> hashes(jobs_.size());
  for (size_t begin = 0; begin < jobs_.size();) {
    size_t end = begin;
    int64_t batch = 0;
    while (end < jobs_.size() && batch < kBatchBytes) batch += bytes_of(jobs_[end++]);
    const auto body = [&](int64_t i) {
      hashes[begin + static_cast<size_t>(i)] = run(jobs_[begin + static_cast<size_t>(i)], options.check_values);
    };
    const auto n = static_cast<int64_t>(end - begin);
    if (file_.readers.front()->concurrent()) {
      runtime::run_jobs(team, options.n_threads, n, call.stop, "model load", body);
    } else {  // a caller's reader: on the calling thread, without the team's turn
      for (int64_t i = 0; i < n; ++i) {
        call.stop.check("model load");
        body(i);
      }
    }
    done += static_cast<uint64_t>(batch);
    begin = end;
    if (call.progress) call.progress(std::min(done, total), total);
  }
  base::Hasher hasher;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const Job& job = jobs_[i];
    hasher.add(job.tensor->name);
    hasher.add(static_cast<uint64_t>(job.tensor->dtype));
    hasher.add(static_cast<uint64_t>(job.rows));
    hasher.add(static_cast<uint64_t>(job.cols));
    hasher.add(hashes[i]);
  }
  return hasher.finish128();
}

}  // namespace rustml::models
