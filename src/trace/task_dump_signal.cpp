#include "braid/trace/task_dump_signal.hpp"

#include <cstdio>
#include <span>
#include <stdexcept>
#include <utility>

namespace braid {

task_dump_signal::task_dump_signal(int signal, sink to)
    : signal_listener("task_dump_signal", std::span(&signal, 1), on_signal), to_(std::move(to)) {
  if (home().operations().tracker() == nullptr)
    throw std::logic_error(
        "task_dump_signal: this loop does not track its tasks; make it with loop_options{.track_tasks = "
        "true}, "
        "or set BRAID_TRACK_TASKS=1");
}

// Another signal before the loop has printed changes nothing.
void task_dump_signal::on_signal(detail::signal_listener& base) noexcept {
  auto& self = static_cast<task_dump_signal&>(base);
  while (self.take() != 0) {}
  try {
    self.to_(dump_tasks(self.home()));
  } catch (...) {
    self.home().report_unhandled(error::current(), nullptr);
  }
}

void task_dump_signal::to_stderr(const task_dump& dump) {
  std::fprintf(stderr, "braid: the tasks of a loop:\n%s", format_tasks(dump).c_str());
}

}  // namespace braid
