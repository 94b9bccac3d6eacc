#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace promise_all {

namespace blocking {
invoice get_invoice(const shop& from, user_id id);
text send_report_in_sequence(const report_desk& at);
text send_report(const report_desk& at);
front_page get_front_page_in_sequence(const services& at);
front_page get_front_page(const services& at);
}  // namespace blocking
namespace callbacks {
void get_invoice(const shop& from, user_id id, handler<invoice> done);
void send_report_in_sequence(const report_desk& at, handler<text> done);
void send_report(const report_desk& at, handler<text> done);
void get_front_page_in_sequence(const services& at, handler<front_page> done);
void get_front_page(const services& at, handler<front_page> done);
}  // namespace callbacks
namespace futures {
future<invoice> get_invoice(const shop& from, user_id id);
future<text> send_report_in_sequence(const report_desk& at);
future<text> send_report(const report_desk& at);
future<front_page> get_front_page_in_sequence(const services& at);
future<front_page> get_front_page(const services& at);
}  // namespace futures
namespace coroutines {
task<invoice> get_invoice(const shop& from, user_id id);
task<text> send_report_in_sequence(const report_desk& at);
task<text> send_report(const report_desk& at);
task<front_page> get_front_page_in_sequence(const services& at);
task<front_page> get_front_page(const services& at);
}  // namespace coroutines
namespace fibers {
invoice get_invoice(const shop& from, user_id id);
text send_report_in_sequence(const report_desk& at);
text send_report(const report_desk& at);
front_page get_front_page_in_sequence(const services& at);
front_page get_front_page(const services& at);
}  // namespace fibers

enum class joining { in_sequence, at_once };

// Each of these runs one version to its end on this thread's loop.

inline invoice get_invoice(stage::style how, const shop& from, user_id id) {
  constexpr stage::versions all{blocking::get_invoice, callbacks::get_invoice, futures::get_invoice,
                                coroutines::get_invoice, fibers::get_invoice};
  return stage::in_style(how, all, from, id);
}

inline text send_report(stage::style how, joining read_and_query, const report_desk& at) {
  constexpr stage::versions in_sequence{
      blocking::send_report_in_sequence, callbacks::send_report_in_sequence,
      futures::send_report_in_sequence, coroutines::send_report_in_sequence,
      fibers::send_report_in_sequence};
  constexpr stage::versions at_once{blocking::send_report, callbacks::send_report, futures::send_report,
                                    coroutines::send_report, fibers::send_report};
  return stage::in_style(how, read_and_query == joining::in_sequence ? in_sequence : at_once, at);
}

inline front_page get_front_page(stage::style how, joining all, const services& at) {
  constexpr stage::versions in_sequence{
      blocking::get_front_page_in_sequence, callbacks::get_front_page_in_sequence,
      futures::get_front_page_in_sequence, coroutines::get_front_page_in_sequence,
      fibers::get_front_page_in_sequence};
  constexpr stage::versions at_once{blocking::get_front_page, callbacks::get_front_page,
                                    futures::get_front_page, coroutines::get_front_page,
                                    fibers::get_front_page};
  return stage::in_style(how, all == joining::in_sequence ? in_sequence : at_once, at);
}

}  // namespace promise_all
