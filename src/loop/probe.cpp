#include "braid/loop/probe.hpp"

#include <cstddef>
#include <iterator>

#include "braid/loop/loop.hpp"
#include "braid/loop/request.hpp"
#include "kernel_interface.hpp"
#include "uring_setup.hpp"

namespace braid {

namespace {

struct named_flag {
  std::string_view name;
  unsigned bit;
};
constexpr named_flag optional_flags[] = {
    {"IORING_SETUP_SINGLE_ISSUER", IORING_SETUP_SINGLE_ISSUER},
    {"IORING_SETUP_DEFER_TASKRUN", IORING_SETUP_DEFER_TASKRUN},
    {"IORING_SETUP_TASKRUN_FLAG", IORING_SETUP_TASKRUN_FLAG},
    {"IORING_SETUP_SUBMIT_ALL", IORING_SETUP_SUBMIT_ALL},
    {"IORING_SETUP_CLAMP", IORING_SETUP_CLAMP},
    {"IORING_SETUP_CQSIZE", IORING_SETUP_CQSIZE},
    {"IORING_SETUP_NO_SQARRAY", detail::kernel::setup_no_sqarray},
};

void refuse(io_uring_report& report, std::error_code code) {
  report.refused = code;
  detail::ring_refusal why = detail::explain_refusal(code.value());
  report.cause = std::move(why.cause);
  report.remedy = std::move(why.remedy);
}

}  // namespace

io_uring_report probe_io_uring() {
  io_uring_report report;
  io_uring ring{};
  detail::ring_features found;
  try {
    found = detail::set_up_ring(ring, loop_options{}.entries);
  } catch (const std::system_error& refused) {
    refuse(report, refused.code());
    return report;
  }
  detail::end_ring(ring);
  report.ring_registered = found.registered;
  for (const named_flag& each : optional_flags)
    report.setup_flags.push_back({each.name, (found.setup_flags & each.bit) != 0});
  for (std::size_t i = 0; i < std::size(detail::kernel::opcode_bits); ++i)
    if (!found.supports(detail::kernel::number_of(opcode(i))))
      report.lacking_operations.emplace_back(name_of(opcode(i)));
  return report;
}

}  // namespace braid
