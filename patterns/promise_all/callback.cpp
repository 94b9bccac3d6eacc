#include "contract.hpp"

namespace promise_all::callbacks {

// [get_invoice]
void get_invoice(const shop& from, user_id id, handler<invoice> done) {
  start(from.fetch_user(id),                                          // 1 user
        [&from, done = std::move(done)](result<user> u) mutable {
    if (!u) return done(u.error());
    start(when_all(from.fetch_orders(u->id),                          // 2 orders
                   from.fetch_preferences(u->id)),                    // 2 preferences
          [u = *u,
           done = std::move(done)](result<std::tuple<orders, preferences>> both) mutable {
      if (!both) return done(both.error());
      auto& [o, p] = *both;
      done(build_invoice(u, o, p));                                   // 3 invoice
    });
  });
}
// [/get_invoice]

// [send_report]
void send_report_in_sequence(const report_desk& at, handler<text> done) {
  start(at.read(),                                                    // 1 read
        [&at, done = std::move(done)](result<text> form) mutable {
    if (!form) return done(form.error());
    start(at.query(),                                                 // 2 query
          [&at, form = *form, done = std::move(done)](result<text> numbers) mutable {
      if (!numbers) return done(numbers.error());
      start(at.parse(form, *numbers),                                 // 3 parse
            [&at, done = std::move(done)](result<text> report) mutable {
        if (!report) return done(report.error());
        start(at.send(*report), std::move(done));                     // 4 send
      });
    });
  });
}

void send_report(const report_desk& at, handler<text> done) {
  start(when_all(at.read(),                                           // 1 read
                 at.query()),                                         // 2 query
        [&at, done = std::move(done)](result<std::tuple<text, text>> both) mutable {
    if (!both) return done(both.error());
    auto& [form, numbers] = *both;
    start(at.parse(form, numbers),                                    // 3 parse
          [&at, done = std::move(done)](result<text> report) mutable {
      if (!report) return done(report.error());
      start(at.send(*report), std::move(done));                       // 4 send
    });
  });
}
// [/send_report]

// [get_front_page]
void get_front_page_in_sequence(const services& at, handler<front_page> done) {
  start(at.weather(),                                                 // 1 weather
        [&at, done = std::move(done)](result<text> weather) mutable {
    if (!weather) return done(weather.error());
    start(at.news(),                                                  // 2 news
          [&at, weather = *weather, done = std::move(done)](result<text> news) mutable {
      if (!news) return done(news.error());
      start(at.prices(),                                              // 3 prices
            [weather, news = *news,
             done = std::move(done)](result<text> prices) mutable {
        if (!prices) return done(prices.error());
        done(front_page{weather, news, *prices});                     // 4 page
      });
    });
  });
}

void get_front_page(const services& at, handler<front_page> done) {
  start(when_all(at.weather(),                                        // 1 weather
                 at.news(),                                           // 2 news
                 at.prices()),                                        // 3 prices
        [done = std::move(done)](result<std::tuple<text, text, text>> all) mutable {
    if (!all) return done(all.error());
    auto& [weather, news, prices] = *all;
    done(front_page{weather, news, prices});                          // 4 page
  });
}
// [/get_front_page]

}  // namespace promise_all::callbacks
