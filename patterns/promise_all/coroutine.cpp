#include "contract.hpp"

namespace promise_all::coroutines {

// [get_invoice]
task<invoice> get_invoice(const shop& from, user_id id) {
  user u = co_await from.fetch_user(id);                              // 1 user
  auto [o, p] = co_await when_all(from.fetch_orders(u.id),            // 2 orders
                                  from.fetch_preferences(u.id));      // 2 preferences
  co_return build_invoice(u, o, p);                                   // 3 invoice
}
// [/get_invoice]

// [send_report]
task<text> send_report_in_sequence(const report_desk& at) {
  text form = co_await at.read();                                     // 1 read
  text numbers = co_await at.query();                                 // 2 query
  text report = co_await at.parse(form, numbers);                     // 3 parse
  co_return co_await at.send(report);                                 // 4 send
}

task<text> send_report(const report_desk& at) {
  auto [form, numbers] = co_await when_all(at.read(),                 // 1 read
                                           at.query());               // 2 query
  text report = co_await at.parse(form, numbers);                     // 3 parse
  co_return co_await at.send(report);                                 // 4 send
}
// [/send_report]

// [get_front_page]
task<front_page> get_front_page_in_sequence(const services& at) {
  text weather = co_await at.weather();                               // 1 weather
  text news = co_await at.news();                                     // 2 news
  text prices = co_await at.prices();                                 // 3 prices
  co_return front_page{weather, news, prices};                        // 4 page
}

task<front_page> get_front_page(const services& at) {
  auto [weather, news, prices] = co_await when_all(at.weather(),      // 1 weather
                                                   at.news(),         // 2 news
                                                   at.prices());      // 3 prices
  co_return front_page{weather, news, prices};                        // 4 page
}
// [/get_front_page]

}  // namespace promise_all::coroutines
