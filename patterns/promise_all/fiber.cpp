#include "contract.hpp"

namespace promise_all::fibers {

// [get_invoice]
invoice get_invoice(const shop& from, user_id id) {
  user u = await(from.fetch_user(id));                                // 1 user
  auto [o, p] = await(when_all(from.fetch_orders(u.id),               // 2 orders
                               from.fetch_preferences(u.id)));        // 2 preferences
  return build_invoice(u, o, p);                                      // 3 invoice
}
// [/get_invoice]

// [send_report]
text send_report_in_sequence(const report_desk& at) {
  text form = await(at.read());                                       // 1 read
  text numbers = await(at.query());                                   // 2 query
  text report = await(at.parse(form, numbers));                       // 3 parse
  return await(at.send(report));                                      // 4 send
}

text send_report(const report_desk& at) {
  auto [form, numbers] = await(when_all(at.read(),                    // 1 read
                                        at.query()));                 // 2 query
  text report = await(at.parse(form, numbers));                       // 3 parse
  return await(at.send(report));                                      // 4 send
}
// [/send_report]

// [get_front_page]
front_page get_front_page_in_sequence(const services& at) {
  text weather = await(at.weather());                                 // 1 weather
  text news = await(at.news());                                       // 2 news
  text prices = await(at.prices());                                   // 3 prices
  return front_page{weather, news, prices};                           // 4 page
}

front_page get_front_page(const services& at) {
  auto [weather, news, prices] = await(when_all(at.weather(),         // 1 weather
                                                at.news(),            // 2 news
                                                at.prices()));        // 3 prices
  return front_page{weather, news, prices};                           // 4 page
}
// [/get_front_page]

}  // namespace promise_all::fibers
