#pragma once

#include <span>
#include <string>
#include <string_view>

#include "braid/loop/clock.hpp"
#include "braid/messaging/queue_metrics.hpp"

namespace braid::messaging {

/// A queue whose metrics are shown, with the value of their label `queue`.
///
///     const messaging::queue_metrics now = co_await jobs.metrics();
///     const messaging::monitored_queue one{"jobs", now};
///     log(messaging::to_prometheus(std::span(&one, 1)));
///
/// Lifetime  the name stays alive as long as it.
struct monitored_queue {
  std::string_view name;
  queue_metrics metrics;
};

/// The content type of to_prometheus.
///
///     use(messaging::prometheus_content_type);  // text/plain; version=0.0.4; charset=utf-8
inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of a queue as text that Prometheus reads. docs/messaging.md shows how to serve it.
///
///     const messaging::queue_metrics now = co_await jobs.metrics();
///     log(messaging::to_prometheus("jobs", now));  // braid_queue_messages{queue="jobs"} 12
///
/// Bytes of a name that are no UTF-8 become U+FFFD, since Prometheus refuses them.
[[nodiscard]] std::string to_prometheus(std::string_view name, const queue_metrics& of,
                                        loop_clock::time_point now = loop_clock::now());
/// Those of several queues: one text must not name a metric twice.
///
///     const messaging::queue_metrics now = co_await jobs.metrics();
///     const messaging::monitored_queue both[] = {{"jobs", now}, {"mail", now}};
///     log(messaging::to_prometheus(both));
[[nodiscard]] std::string to_prometheus(std::span<const monitored_queue> all,
                                        loop_clock::time_point now = loop_clock::now());

}  // namespace braid::messaging
