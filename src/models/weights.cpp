#include "models/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "runtime/jobs.h"

namespace rustml::models {

using base::fail;
using base::Status;

namespace {

constexpr uint64_t kAlign = 64;
constexpr int64_t kJobBytes = 1 << 20;     // of file read by one job
constexpr int64_t kTransposedPanels = 64;  // 1,024 rows: 4 kB of an F32 tensor at a time
constexpr int64_t kTransposedCols = 256;   // and so many columns: 1 MB of them
constexpr int64_t kBatchBytes = 16 << 20;  // of file between two chances for other sessions and for progress

// Memory that is written before it is read.
template <class T>
struct Staging : std::unique_ptr<T[]> {
  explicit Staging(int64_t n) : std::unique_ptr<T[]>(std::make_unique_for_overwrite<T[]>(static_cast<size_t>(n))) {}
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

// The rows of a panel, [n_cols] each, in a type that is packed as it is or as floats to be quantized; null behind the matrix's last.
struct PanelRows {
  const std::byte* packed[kernels::kPanelRows] = {};
  const float* floats[kernels::kPanelRows] = {};

  void write(tensor::DType type, tensor::DType to_type, int64_t n_cols, std::byte* to) const {
    type == to_type ? kernels::pack_panel(type, packed, n_cols, to) : kernels::quantize_panel(to_type, floats, n_cols, to);
  }
};

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

const formats::TensorInfo& WeightBinder::tensor(const std::string& gguf_name, std::vector<int64_t> shape, const Source& source) {
  const std::string name = names_.in_file(gguf_name);
  const formats::TensorInfo* t = file_.find(name);
  if (!t) fail(Status::data_loss, "tensor " + name + " is missing; the file is incomplete or of another architecture");
  int64_t n = 1;
  for (const int64_t d : shape) n *= d;
  if (source.tensor_rows) shape[0] = source.tensor_rows;
  if (source.transposed) std::swap(shape[0], shape[1]);
  if (t->shape != shape)
    fail(Status::data_loss, "tensor " + name + " has shape " + shape_text(t->shape) + "; the configuration asks for " + shape_text(shape),
         base::JsonObject()
             .add("tensor", name)
             .add("want", base::JsonText(shape_text(shape)))
             .add("got", base::JsonText(shape_text(t->shape)))
             .str());
  bound_.insert(t);
  n_parameters_ += static_cast<uint64_t>(n);
  return *t;
}

std::byte* WeightBinder::place(uint64_t bytes) {
  const uint64_t at = used_;
  used_ += (bytes + kAlign - 1) / kAlign * kAlign;
  return base_ ? base_ + at : nullptr;
}

ops::Matrix WeightBinder::matrix(const std::string& name, int64_t rows, int64_t cols, const char* label, const Source& source) {
  const formats::TensorInfo& t = tensor(name, {rows, cols}, source);
  ops::Matrix m{t.dtype, rows, cols, nullptr, nullptr, label};
  if (!quantization_.keep && source.linear && cols % kernels::kQBlock == 0 && std::max(rows, cols) >= quantization_.min_dim &&
      kernels::panel_bytes(quantization_.to, cols) < m.panel_bytes()) {
    m.packed = quantization_.to;
    ++n_quantized_;
    quantized_from_.insert(t.dtype);
  }
  n_blocks_ += m.quantized();
  std::byte* data = place(static_cast<uint64_t>(m.bytes()));
  m.data = data;
  if (!base_) return m;
  // Jobs of whole heads where rows are reordered, so that a job reads exactly the rows it packs. A transposed tensor is read in
  // one stretch per column of the matrix: wide enough for the call to be worth it.
  const int64_t file_panel = tensor::row_bytes(t.dtype, cols) * kernels::kPanelRows;
  const int64_t unit = source.transposed ? kTransposedPanels : std::max<int64_t>(1, source.order.pairs_of_head);
  const int64_t step = std::max<int64_t>(1, kJobBytes / file_panel / unit) * unit;
  for (int64_t p = 0; p < m.panels(); p += step)
    jobs_.push_back({&t, data + p * m.panel_bytes(), p, std::min(m.panels(), p + step), rows, cols, source, m.packed, false});
  return m;
}

void WeightBinder::require_all_bound(std::span<const char* const> ignored_parts) const {
  size_t n_images = 0;
  for (const formats::TensorInfo& t : file_.tensors) {
    const auto in_name = [&t](const char* part) { return t.name.find(part) != std::string::npos; };
    if (bound_.contains(&t)) continue;
    if (!safetensors() && is_of_images(t.name))
      ++n_images;
    else if (std::none_of(ignored_parts.begin(), ignored_parts.end(), in_name))
      fail(Status::unimplemented,
           "tensor " + t.name + " has no place in this architecture as supported here; without it results would be wrong");
  }
  if (n_images > 0 && counting())
    base::log(base::LogLevel::warn, "rustml",
              file_.name + ": the text model is opened; " + std::to_string(n_images) + " tensors for images (v.*, mm.*) are left out");
}

const float* WeightBinder::vector(const std::string& name, int64_t n, const Source& source) {
  const formats::TensorInfo& t = tensor(name, {n}, source);
  std::byte* data = place(static_cast<uint64_t>(n) * sizeof(float));
  if (base_) jobs_.push_back({&t, data, 0, 1, 1, n, source, tensor::DType::f32, true});
  return reinterpret_cast<const float*>(data);
}

uint64_t WeightBinder::run(const Job& job, bool check_values) const {
  if (job.is_vector) return run_vector(job, check_values);
  return job.source.transposed ? run_transposed(job, check_values) : run_matrix(job, check_values);
}

uint64_t WeightBinder::run_vector(const Job& job, bool check_values) const {
  const int64_t n = job.source.tensor_rows ? job.source.tensor_rows : job.cols;
  std::vector<std::byte> bytes(static_cast<size_t>(tensor::row_bytes(job.tensor->dtype, n)));
  file_.read(*job.tensor, 0, bytes.data(), bytes.size());
  std::vector<float> values(static_cast<size_t>(n));
  if (check_values) check_row(*job.tensor, bytes.data(), n, 0, values);
  tensor::dequantize(job.tensor->dtype, bytes.data(), n, values.data());
  auto* to = reinterpret_cast<float*>(job.to);
  for (int64_t i = 0; i < job.cols; ++i)
    to[i] = values[static_cast<size_t>(job.source.first_row + job.source.order.file_row(i))] + job.source.plus;
  return base::hash64(bytes.data(), bytes.size());
}

uint64_t WeightBinder::run_matrix(const Job& job, bool check_values) const {
  const tensor::DType type = job.tensor->dtype;
  const int64_t row_bytes = tensor::row_bytes(type, job.cols);
  const int64_t begin = job.panel_begin * kernels::kPanelRows, end = std::min(job.rows, job.panel_end * kernels::kPanelRows);
  int64_t low = job.rows, high = 0;  // file rows of this job, from the source's first
  for (int64_t r = begin; r < end; ++r) {
    low = std::min(low, job.source.order.file_row(r));
    high = std::max(high, job.source.order.file_row(r) + 1);
  }
  const auto n_bytes = static_cast<uint64_t>((high - low) * row_bytes);
  const Staging<std::byte> bytes((high - low) * row_bytes);
  file_.read(*job.tensor, static_cast<uint64_t>((job.source.first_row + low) * row_bytes), bytes.get(), n_bytes);
  if (check_values) {
    std::vector<float> values;
    for (int64_t r = low; r < high; ++r)
      check_row(*job.tensor, bytes.get() + (r - low) * row_bytes, job.cols, job.source.first_row + r, values);
  }
  const bool quantize = job.packed != type;
  const Staging<float> values(quantize ? kernels::kPanelRows * job.cols : 0);
  const int64_t panel_bytes = kernels::panel_bytes(job.packed, job.cols);
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    PanelRows rows;
    for (int64_t i = 0; i < std::min(kernels::kPanelRows, job.rows - p * kernels::kPanelRows); ++i) {
      rows.packed[i] = bytes.get() + (job.source.order.file_row(p * kernels::kPanelRows + i) - low) * row_bytes;
      if (!quantize) continue;
      tensor::dequantize(type, rows.packed[i], job.cols, values.get() + i * job.cols);
      rows.floats[i] = values.get() + i * job.cols;
    }
    rows.write(type, job.packed, job.cols, job.to + (p - job.panel_begin) * panel_bytes);
  }
  return base::hash64(bytes.get(), n_bytes);
}

// The tensor is [cols, tensor_rows]: of every one of its rows this job reads the stretch of its panels' rows. Panels are filled
// along their columns, some at a time: little memory, and values of a cache line are written together.
uint64_t WeightBinder::run_transposed(const Job& job, bool check_values) const {
  constexpr int64_t kTile = 16;  // columns: a cache line of floats
  const tensor::DType type = job.tensor->dtype;
  const int64_t element = tensor::info(type).block_bytes, tensor_rows = job.source.tensor_rows ? job.source.tensor_rows : job.rows;
  const int64_t begin = job.panel_begin * kernels::kPanelRows, n = std::min(job.rows, job.panel_end * kernels::kPanelRows) - begin;
  const int64_t width = std::min(job.cols, kTransposedCols), panel_bytes = kernels::panel_bytes(job.packed, job.cols);
  const Staging<std::byte> bytes(n * element);
  std::vector<float> line(static_cast<size_t>(n));
  const Staging<float> lines(n * kTile), values(n * width);  // [kTile][n], [n][width]
  const bool quantize = job.packed != type;
  const Staging<std::byte> row_bytes(quantize ? 0 : kernels::kPanelRows * tensor::row_bytes(type, width));
  uint64_t hash = 0;
  for (int64_t first = 0; first < job.cols; first += width) {
    const int64_t n_cols = std::min(width, job.cols - first);
    for (int64_t k = 0; k < n_cols; k += kTile) {
      const int64_t n_lines = std::min(kTile, n_cols - k);
      for (int64_t i = 0; i < n_lines; ++i) {
        const int64_t col = first + k + i, at = (col * tensor_rows + job.source.first_row + begin) * element;
        file_.read(*job.tensor, static_cast<uint64_t>(at), bytes.get(), static_cast<uint64_t>(n * element));
        if (check_values) check_row(*job.tensor, bytes.get(), n, col, line);
        tensor::dequantize(type, bytes.get(), n, lines.get() + i * n);
        hash = hash * 31 + base::hash64(bytes.get(), static_cast<size_t>(n * element));
      }
      for (int64_t r = 0; r < n; ++r)
        for (int64_t i = 0; i < n_lines; ++i) values.get()[r * width + k + i] = lines.get()[i * n + r];
    }
    for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
      PanelRows rows;
      const int64_t row = p * kernels::kPanelRows - begin;
      for (int64_t i = 0; i < std::min(kernels::kPanelRows, n - row); ++i) {
        rows.floats[i] = values.get() + (row + i) * width;
        if (quantize) continue;  // else the float type again, exactly
        std::byte* to = row_bytes.get() + i * tensor::row_bytes(type, width);
        tensor::quantize(type, rows.floats[i], n_cols, to);
        rows.packed[i] = to;
      }
      rows.write(type, job.packed, n_cols, job.to + (p - job.panel_begin) * panel_bytes + kernels::panel_bytes(job.packed, first));
    }
  }
  return hash;
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
      const int n_threads = options.n_threads - (options.beside && options.beside->running() ? 1 : 0);
      runtime::run_jobs(team, std::max(1, n_threads), n, call.stop, "model load", body);
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
