#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace promise_all {

namespace blocking {
invoice get_invoice(const shop& from, user_id id);
std::string send_report_in_sequence(const report_desk& at);
std::string send_report(const report_desk& at);
}  // namespace blocking
namespace callbacks {
void get_invoice(const shop& from, user_id id, handler<invoice> done);
void send_report_in_sequence(const report_desk& at, handler<std::string> done);
void send_report(const report_desk& at, handler<std::string> done);
}  // namespace callbacks
namespace futures {
future<invoice> get_invoice(const shop& from, user_id id);
future<std::string> send_report_in_sequence(const report_desk& at);
future<std::string> send_report(const report_desk& at);
}  // namespace futures
namespace coroutines {
task<invoice> get_invoice(const shop& from, user_id id);
task<std::string> send_report_in_sequence(const report_desk& at);
task<std::string> send_report(const report_desk& at);
}  // namespace coroutines
namespace fibers {
invoice get_invoice(const shop& from, user_id id);
std::string send_report_in_sequence(const report_desk& at);
std::string send_report(const report_desk& at);
}  // namespace fibers

// Each runs one version to its end on this thread's loop.

inline invoice get_invoice(stage::style how, const shop& from, user_id id) {
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<invoice>(
          [&](handler<invoice> done) { callbacks::get_invoice(from, id, std::move(done)); }));
    case stage::style::future: return run(futures::get_invoice(from, id));
    case stage::style::coroutine: return run(coroutines::get_invoice(from, id));
    case stage::style::fiber:
      return run(in_fiber([&] { return fibers::get_invoice(from, id); }));
  }
  return blocking::get_invoice(from, id);
}

enum class joining { in_sequence, overlapped };

inline std::string send_report(stage::style how, joining read_and_query, const report_desk& at) {
  const bool wait = read_and_query == joining::in_sequence;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<std::string>([&](handler<std::string> done) {
        (wait ? callbacks::send_report_in_sequence : callbacks::send_report)(at, std::move(done));
      }));
    case stage::style::future:
      return run((wait ? futures::send_report_in_sequence : futures::send_report)(at));
    case stage::style::coroutine:
      return run((wait ? coroutines::send_report_in_sequence : coroutines::send_report)(at));
    case stage::style::fiber:
      return run(in_fiber(
          [&] { return (wait ? fibers::send_report_in_sequence : fibers::send_report)(at); }));
  }
  return (wait ? blocking::send_report_in_sequence : blocking::send_report)(at);
}

}  // namespace promise_all
