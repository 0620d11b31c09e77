// From a file's tensors to packed weights. An architecture's bind function runs twice over the same names: first to check
// names, types and shapes and to add up sizes, then with memory, to say which panel is made of which rows. Values are read,
// quantized, packed and fingerprinted in parallel afterwards.
#pragma once
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "formats/model_file.h"
#include "models/tensor_names.h"
#include "ops/context.h"
#include "runtime/side_job.h"
#include "runtime/thread_team.h"

namespace rustml::models {

// Where canonical row r of a matrix lies in its tensor.
struct RowOrder {
  int64_t pairs_of_head = 0;  // > 0: rows of each head of this many are stored as neighbouring pairs; canonical are halves
  int64_t file_row(int64_t r) const noexcept;
};

// How a matrix or vector lies in its tensor.
struct Source {
  RowOrder order = {};
  int64_t first_row = 0, tensor_rows = 0;  // rows of the tensor are [first_row, first_row + rows) of tensor_rows; 0: all
  bool transposed = false;                 // the tensor is [cols, rows] (Conv1D of GPT-2), of a float type
  float plus = 0;                          // added to every value of a vector (Gemma's norms hold w of 1 + w)
  bool linear = true;                      // false: a table that is looked up, never quantized
};

// What linear layers become at load. A matrix is quantized when its longer side has at least min_dim values and that makes it
// smaller.
struct Quantization {
  bool keep = true;
  tensor::DType to = tensor::DType::q8_0;
  int64_t min_dim = 512;
};

class WeightBinder {
 public:
  // base null: counting only.
  WeightBinder(const formats::ModelFile& file, TensorNames names, Quantization quantization, std::byte* base)
      : file_(file), names_(std::move(names)), quantization_(quantization), base_(base) {}

  bool counting() const noexcept { return !base_; }
  bool safetensors() const noexcept { return file_.format == formats::Format::safetensors; }
  bool has(const std::string& name) const { return file_.find(names_.in_file(name)) != nullptr; }
  // data_loss naming tensor, wanted and found shape.
  ops::Matrix matrix(const std::string& name, int64_t rows, int64_t cols, const char* label, const Source& source = {});
  const float* vector(const std::string& name, int64_t n, const Source& source = {});
  // The same, or null where the file has none.
  const float* optional_vector(const std::string& name, int64_t n, const Source& source = {}) {
    return has(name) ? vector(name, n, source) : nullptr;
  }
  // unimplemented, naming a tensor of the file that was not bound: to leave it out would give other results. Not asked for:
  // tensors whose names contain one of `ignored_parts`, and in GGUF files the parts for images, which one record names.
  void require_all_bound(std::span<const char* const> ignored_parts = {}) const;

  uint64_t bytes() const noexcept { return used_; }
  uint64_t n_parameters() const noexcept { return n_parameters_; }
  uint32_t n_tensors() const noexcept { return static_cast<uint32_t>(bound_.size()); }
  uint32_t n_blocks() const noexcept { return n_blocks_; }        // matrices packed in a block type
  uint32_t n_quantized() const noexcept { return n_quantized_; }  // of those, quantized at load
  const std::set<tensor::DType>& quantized_from() const noexcept { return quantized_from_; }

  struct Options {
    int n_threads;
    bool check_values;                         // refuse NaN and infinities: data_loss naming tensor and row
    const runtime::SideJob* beside = nullptr;  // takes one of n_threads while it runs
  };
  // Reads and packs everything bound. Returns the fingerprint of names, types, shapes and values.
  base::Hash128 load(runtime::ThreadTeam& team, const Options& options, runtime::Call& call) const;

 private:
  // Panels [begin, end) of one matrix, or a whole vector: what one job reads.
  struct Job {
    const formats::TensorInfo* tensor;
    std::byte* to;  // of panel `begin`, or of the vector
    int64_t panel_begin, panel_end, rows, cols;
    Source source;
    tensor::DType packed;
    bool is_vector;
  };
  const formats::TensorInfo& tensor(const std::string& name, std::vector<int64_t> shape, const Source& source);
  std::byte* place(uint64_t bytes);
  uint64_t run(const Job& job, bool check_values) const;  // hash of the bytes read
  uint64_t run_vector(const Job& job, bool check_values) const;
  uint64_t run_matrix(const Job& job, bool check_values) const;
  uint64_t run_transposed(const Job& job, bool check_values) const;

  const formats::ModelFile& file_;
  const TensorNames names_;
  const Quantization quantization_;
  std::byte* const base_;
  uint64_t used_ = 0, n_parameters_ = 0;
  uint32_t n_blocks_ = 0, n_quantized_ = 0;
  std::set<tensor::DType> quantized_from_;
  std::unordered_set<const formats::TensorInfo*> bound_;
  std::vector<Job> jobs_;
};

}  // namespace rustml::models
