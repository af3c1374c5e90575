#include "linformer/dist/gradient_reducer.h"

// The only file that uses c10d's Reducer, whose constructor differs between LibTorch's versions.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gloo/common/error.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "process_group_handles.h"

namespace linformer {
namespace {

using Works = std::vector<c10::intrusive_ptr<c10d::Work>>;
using Buckets = std::vector<std::vector<size_t>>;
using Names = std::unordered_map<size_t, std::string>;

/// Sums a bucket. The Reducer's own operation divides by the number of processes.
class SumHook : public c10d::CppCommHookInterface<c10::intrusive_ptr<c10d::ProcessGroup>> {
 public:
  SumHook(c10::intrusive_ptr<c10d::ProcessGroup> group, std::shared_ptr<Works> works)
      : CppCommHookInterface(std::move(group)), works_(std::move(works)) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> tensors{bucket.getBufferRef()};
    works_->push_back(state_->allreduce(tensors));
    return works_->back()->getFuture();
  }

 private:
  std::shared_ptr<Works> works_;
};

/// Buckets of about `bytes` in the reverse order of the parameters, which is about the order in
/// which gradients are computed. The first bucket is small, so that communication starts early.
Buckets buckets_of(const std::vector<at::Tensor>& parameters, double bytes) {
  double limit = std::min<double>(bytes, c10d::kDefaultFirstBucketBytes);
  Buckets buckets;
  double filled = limit;
  for (size_t i = parameters.size(); i-- > 0;) {
    if (filled >= limit) {
      if (!buckets.empty()) limit = bytes;
      buckets.emplace_back();
      filled = 0.0;
    }
    buckets.back().push_back(i);
    filled += static_cast<double>(parameters[i].nbytes());
  }
  return buckets;
}

/// The constructor of LibTorch 2.11 lacks the last one or two arguments of 2.13's.
template <class Reducer>
std::unique_ptr<Reducer> make_reducer(const std::vector<at::Tensor>& parameters,
                                      const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                                      int64_t bytes, const Names& names) {
  const Buckets buckets = buckets_of(parameters, static_cast<double>(bytes));
  const std::vector<bool> sparse(parameters.size(), false);
  // Looks for parameters that the loss does not reach, so that no process waits for their
  // gradients.
  const bool find_unused = true;
  // Gradients are views of the buckets, which saves one copy in and one copy out.
  const bool views = true;
  const auto first = static_cast<int64_t>(c10d::kDefaultFirstBucketBytes);
  using List = std::vector<int64_t>;
  using Group = c10::intrusive_ptr<c10d::ProcessGroup>;
  using Tensors = std::vector<at::Tensor>;
  using Flags = std::vector<bool>;
  if constexpr (std::is_constructible_v<Reducer, Tensors, Buckets, Group, Flags, int64_t, bool,
                                        bool, Names, int64_t, bool, bool, List, bool>) {
    return std::make_unique<Reducer>(parameters, buckets, group, sparse, bytes, find_unused, views,
                                     names, first, false, false, List{}, false);
  } else if constexpr (std::is_constructible_v<Reducer, Tensors, Buckets, Group, Flags, int64_t,
                                               bool, bool, Names, int64_t, bool, bool, List>) {
    return std::make_unique<Reducer>(parameters, buckets, group, sparse, bytes, find_unused, views,
                                     names, first, false, false, List{});
  } else {
    return std::make_unique<Reducer>(parameters, buckets, group, sparse, bytes, find_unused, views,
                                     names, first, false, false);
  }
}

/// Suppresses the Reducer's advice to switch off find_unused_parameters, which is needed here.
class WithoutAdvice : public c10::WarningHandler {
 public:
  explicit WithoutAdvice(c10::WarningHandler* next) : next_(next) {}
  void process(const c10::Warning& warning) override {
    if (warning.msg().find("find_unused_parameters") == std::string::npos) next_->process(warning);
  }

 private:
  c10::WarningHandler* next_;
};

/// The communication error of this backward pass, if there was one.
std::string failure_of(const std::exception& thrown, const Works& works) {
  const bool from_transport = dynamic_cast<const ::gloo::Exception*>(&thrown) != nullptr ||
                              dynamic_cast<const c10::DistError*>(&thrown) != nullptr;
  if (from_transport) return thrown.what();
  for (const auto& work : works) {
    if (!work->isCompleted() || work->isSuccess()) continue;
    try {
      std::rethrow_exception(work->exception());
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  return "";
}

}  // namespace

struct GradientReducer::State {
  const ProcessGroup::Handles* handles = nullptr;
  std::shared_ptr<Works> works = std::make_shared<Works>();
  std::unique_ptr<c10d::Reducer> reducer;
};

GradientReducer::GradientReducer(ProcessGroup& group,
                                 std::vector<std::pair<std::string, at::Tensor>> parameters) {
  if (group.size() == 1) return;
  std::vector<at::Tensor> tensors;
  Names names;
  for (auto& [name, tensor] : parameters) {
    if (!tensor.requires_grad()) continue;
    names[tensors.size()] = std::move(name);
    tensors.push_back(tensor);
  }
  state_ = std::make_unique<State>();
  state_->handles = group.handles();
  const auto bytes = static_cast<int64_t>(state_->handles->config.bucket_megabytes * 1e6);
  state_->reducer = make_reducer<c10d::Reducer>(tensors, state_->handles->group, bytes, names);
  state_->reducer->register_comm_hook(
      std::make_unique<SumHook>(state_->handles->group, state_->works));
}

GradientReducer::~GradientReducer() = default;

void GradientReducer::accumulate(const at::Tensor& loss) {
  loss.backward();
}

void GradientReducer::accumulate_and_sum(const at::Tensor& loss) {
  if (state_ == nullptr) {
    loss.backward();
    return;
  }
  state_->works->clear();
  WithoutAdvice handler(c10::WarningUtils::get_warning_handler());
  const c10::WarningUtils::WarningHandlerGuard guard(&handler);
  try {
    state_->reducer->prepare_for_backward({loss});
    loss.backward();
  } catch (const std::exception& error) {
    const std::string failure = failure_of(error, *state_->works);
    if (failure.empty()) throw;  // an error of the computation itself
    state_->handles->fail("summing the gradients", failure);
  }
  state_->works->clear();
}

}  // namespace linformer
