#include "braid/net/any_stream.hpp"

#include <system_error>

#include "braid/base/error.hpp"

namespace braid::detail {

namespace {

task<> fails(const char* call, std::errc why) {
  error(std::make_error_code(why), call).rethrow();
  co_return;
}

class no_stream final : public erased_stream {
  static constexpr auto closed = std::errc::bad_file_descriptor;

 public:
  task<std::size_t> read_some(writable_bytes) override {
    co_await fails("any_stream::read_some", closed);
    co_return 0;
  }
  task<> write_all(readable_bytes) override { return fails("any_stream::write_all", closed); }
  task<> write_pieces(gathered_bytes) override { return fails("any_stream::write_all", closed); }
  task<> shutdown_send() override { return fails("any_stream::shutdown_send", closed); }
  task<> close() override { return fails("any_stream::close", closed); }
  task<> abort() override { return fails("any_stream::abort", closed); }
};

}  // namespace

erased_stream& erased_stream::none() noexcept {
  static no_stream the_one;
  return the_one;
}

task<> erased_stream::shutdown_send() {
  return fails("any_stream::shutdown_send", std::errc::operation_not_supported);
}
task<> erased_stream::close() { return fails("any_stream::close", std::errc::operation_not_supported); }
task<> erased_stream::abort() { return close(); }

}  // namespace braid::detail
