#include "braid/postgres/pipeline.hpp"

#include <utility>

#include "pipeline_core.hpp"

namespace braid::postgres {

pipeline::pipeline(connection& on, pipeline_options how)
    : core_(std::make_shared<detail::pipeline_core>(detail::open(on.over(), "postgres::pipeline"), how)) {}

pipeline::~pipeline() { core_->leave(); }

task<std::vector<rows>> pipeline::run(batch statements) {
  return detail::pipeline_core::run(core_, std::move(statements));
}

task<rows> pipeline::query_one(core_ptr by, batch one) {
  std::vector<rows> got = co_await detail::pipeline_core::run(std::move(by), std::move(one));
  co_return std::move(got.front());
}

task<std::uint64_t> pipeline::execute_one(core_ptr by, batch one) {
  const std::vector<rows> got = co_await detail::pipeline_core::run(std::move(by), std::move(one));
  co_return got.front().affected();
}

task<> pipeline::end() { return detail::pipeline_core::end(core_); }
std::size_t pipeline::waiting() const noexcept { return core_->waiting(); }
std::size_t pipeline::in_flight() const noexcept { return core_->in_flight(); }

}  // namespace braid::postgres
