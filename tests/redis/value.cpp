#include "braid/redis/value.hpp"

#include <string>
#include <utility>
#include <vector>

#include "braid/redis/request.hpp"
#include "check_fails.hpp"

using namespace braid;

TEST_CASE("redis::value: knows its kind, and converts", "[redis]") {
  using redis::value;
  const value nothing, seven(std::int64_t{7}), text(value::kind::bytes, "1.5"), ok(value::kind::status, "OK"),
      bad(value::kind::error, "ERR no");
  const value list(std::vector{seven, text, nothing, value(std::vector{ok})});
  CHECK(list.to_string() == "[7, \"1.5\", (nil), [OK]]");
  CHECK(list == value(list));
  CHECK(nothing.is_nil());
  CHECK(bad.is_error());
  CHECK(bad.to_string() == "(error) ERR no");
  CHECK(seven.integer() == 7);
  CHECK(seven.as<std::string>() == "7");
  CHECK(value(value::kind::bytes, "-12").as<std::int64_t>() == -12);
  CHECK(text.as<double>() == 1.5);
  CHECK(ok.as<bool>());
  CHECK(seven.as<bool>());
  CHECK(!value(std::int64_t{0}).as<bool>());
  CHECK(nothing.as<std::optional<std::string>>() == std::nullopt);
  CHECK(nothing.as<std::vector<std::string>>().empty());
  CHECK(list.array()[1].as<std::optional<double>>() == 1.5);
  using pairs = std::vector<std::pair<std::string, std::int64_t>>;
  const value scores(std::vector{value(std::vector{text, seven}), value(std::vector{ok, seven})});
  CHECK(scores.as<pairs>() == pairs{{"1.5", 7}, {"OK", 7}});
  CHECK(value(text).text() == "1.5");
  CHECK(value(list).array().size() == 4);

  const auto wrong = [](const error& why) { return why == redis::errc::unexpected_reply; };
  CHECK(wrong(capture([&] { return text.integer(); }).error()));
  CHECK(wrong(capture([&] { return text.as<std::int64_t>(); }).error()));
  CHECK(wrong(capture([&] { return nothing.as<std::string>(); }).error()));
  CHECK(wrong(capture([&] { return seven.text(); }).error()));
  CHECK(wrong(capture([&] { return ok.array(); }).error()));
  CHECK(wrong(capture([&] { return list.as<pairs>(); }).error()));
  CHECK(wrong(capture([&] { return text.as<bool>(); }).error()));
  const auto refused = capture([&] { return bad.as<std::string>(); });
  CHECK(refused.error().message().find("ERR no") != std::string::npos);
}

TEST_CASE("redis::request: is a command as bytes of the protocol", "[redis]") {
  const std::string zero("a\0b", 3);
  CHECK(redis::request("SET", "key", zero).bytes() ==
        std::string("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\na\0b\r\n", 31));
  CHECK(redis::request("X", 7, -7L, 1.5, std::uint64_t{8}, "", std::string_view()).bytes() ==
        "*7\r\n$1\r\nX\r\n$1\r\n7\r\n$2\r\n-7\r\n$3\r\n1.5\r\n$1\r\n8\r\n$0\r\n\r\n$0\r\n\r\n");
  const std::vector<char> raw{'x', 'y'};
  CHECK(redis::request("X", readable_bytes(raw)).bytes() == "*2\r\n$1\r\nX\r\n$2\r\nxy\r\n");
  const std::vector<std::string> many{"DEL", "a", "b"};
  CHECK(redis::request::of(many).bytes() == redis::request("DEL", "a", "b").bytes());
  CHECK(redis::request::of(many).name() == "DEL");
  CHECK_THROWS_AS(redis::request::of({}), std::length_error);
  redis::request one("GET", "a");
  CHECK(!one.is_idempotent());
  const redis::request copy = one.idempotent().within(std::chrono::seconds(1));
  CHECK(copy.is_idempotent());
  CHECK(copy.within() == std::chrono::seconds(1));
  CHECK(copy.bytes().data() == one.bytes().data());
}

TEST_CASE("redis::errc: says what is in doubt", "[redis]") {
  CHECK(error(redis::errc::reply_late) == std::errc::timed_out);
  CHECK(error(redis::errc::not_sent) == std::errc::timed_out);
  CHECK(!(error(redis::errc::reply_lost) == std::errc::timed_out));
  CHECK(redis::may_have_been_done(error(redis::errc::reply_late)));
  CHECK(redis::may_have_been_done(error(redis::errc::reply_lost)));
  CHECK(redis::may_have_been_done(error(redis::errc::malformed_reply)));
  CHECK(!redis::may_have_been_done(error(redis::errc::not_sent)));
  CHECK(!redis::may_have_been_done(error(redis::errc::wrong_type)));
  CHECK(std::string(redis::error_category().name()) == "redis");
}
