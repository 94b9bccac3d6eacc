#include "contract.hpp"

namespace promise_all::futures {

// [get_invoice]
future<invoice> get_invoice(const shop& from, user_id id) {
  return spawn(from.fetch_user(id))                                   // 1 user
      .then([&from](user u) {
        return spawn(when_all(from.fetch_orders(u.id),                // 2 orders
                              from.fetch_preferences(u.id)))          // 2 preferences
            .then([u](std::tuple<orders, preferences> both) {
              auto& [o, p] = both;
              return build_invoice(u, o, p);                          // 3 invoice
            });
      });
}
// [/get_invoice]

// [send_report]
future<text> send_report_in_sequence(const report_desk& at) {
  return spawn(at.read())                                             // 1 read
      .then([&at](text form) {
        return spawn(at.query())                                      // 2 query
            .then([&at, form](text numbers) {
              return at.parse(form, numbers);                         // 3 parse
            });
      })
      .then([&at](text report) { return at.send(report); });          // 4 send
}

future<text> send_report(const report_desk& at) {
  return spawn(when_all(at.read(),                                    // 1 read
                        at.query()))                                  // 2 query
      .then([&at](std::tuple<text, text> both) {
        auto& [form, numbers] = both;
        return at.parse(form, numbers);                               // 3 parse
      })
      .then([&at](text report) { return at.send(report); });          // 4 send
}
// [/send_report]

// [get_front_page]
future<front_page> get_front_page_in_sequence(const services& at) {
  return spawn(at.weather())                                          // 1 weather
      .then([&at](text weather) {
        return spawn(at.news())                                       // 2 news
            .then([&at, weather](text news) {
              return spawn(at.prices())                               // 3 prices
                  .then([weather, news](text prices) {
                    return front_page{weather, news, prices};         // 4 page
                  });
            });
      });
}

future<front_page> get_front_page(const services& at) {
  return spawn(when_all(at.weather(),                                 // 1 weather
                        at.news(),                                    // 2 news
                        at.prices()))                                 // 3 prices
      .then([](std::tuple<text, text, text> all) {
        auto& [weather, news, prices] = all;
        return front_page{weather, news, prices};                     // 4 page
      });
}
// [/get_front_page]

}  // namespace promise_all::futures
