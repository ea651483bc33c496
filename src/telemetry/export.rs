//! Counters as Prometheus wants them. Everything is read when it is asked for; nothing is kept twice.

use super::Sources;
use super::metrics::{Fanout, Metrics, Timing};
use super::process::Process;
use crate::BUILD;
use crate::store::StoreStats;
use fitconnect_actors::stats::{HANDLING_US, Kind, KindStats, Stats};
use fitconnect_protocol::CloseCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub fn registry(sources: Arc<dyn Sources>) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(All(sources)));
    registry
}

struct All(Arc<dyn Sources>);

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("All")
    }
}

impl Collector for All {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let telemetry = self.0.telemetry();
        let mut out = Writer(encoder);
        out.gauges("fitconnect_build", "Always 1; the label says which build runs", "version", [(BUILD, 1.0)])?;
        out.gauge("fitconnect_ready", "1 while new clients may come", f64::from(u8::from(telemetry.is_ready())))?;
        sockets(&telemetry.metrics, &mut out)?;
        fanout(self.0.fanout(), &mut out)?;
        http(&telemetry.metrics, &mut out)?;
        actors(self.0.actors(), &mut out)?;
        if let Some(stores) = telemetry.stores() {
            store(&stores, &mut out)?;
        }
        Process::read().map_or(Ok(()), |read| process(&read, &mut out))
    }
}

fn sockets(m: &Metrics, out: &mut Writer<'_>) -> fmt::Result {
    out.gauge("fitconnect_sockets", "Open sockets", level(&m.sockets))?;
    out.counter("fitconnect_sockets_opened", "Sockets that were opened", count(&m.sockets_opened))?;
    let closes = CloseCode::ALL.iter().zip(&m.sockets_closed).map(|(code, n)| (code.reason(), count(n)));
    out.counters("fitconnect_sockets_closed", "Sockets that the server closed, by reason", "reason", closes)?;
    out.counter("fitconnect_sockets_reaped", "Sockets shut because they took nothing", count(&m.sockets_reaped))?;
    out.counter("fitconnect_frames_bad", "Frames that could not be read", count(&m.frames_bad))
}

fn fanout(hub: Fanout, out: &mut Writer<'_>) -> fmt::Result {
    out.gauge("fitconnect_topics", "Topics that the hub knows", hub.topics as f64)?;
    out.gauge("fitconnect_outbox_bytes", "Bytes waiting for all sockets", hub.waiting_bytes as f64)?;
    let most = hub.waiting_bytes_most as f64;
    out.gauge("fitconnect_outbox_bytes_most", "Bytes waiting for the socket that has most", most)?;
    out.counter("fitconnect_deliveries", "Frames put into outboxes", hub.deliveries)?;
    out.counter("fitconnect_ticks_skipped", "Ticks kept from viewers that echo none", hub.ticks_skipped)?;
    out.counter("fitconnect_lagged", "Readers that fell behind and were pulled up", hub.lagged)
}

fn http(m: &Metrics, out: &mut Writer<'_>) -> fmt::Result {
    let statuses = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(m.http.iter().map(count));
    out.counters("fitconnect_http_requests", "HTTP requests by status", "status", statuses)?;
    out.timing("fitconnect_http_seconds", "How long HTTP requests took", &m.http_time)?;
    let logins = [("ok", &m.logins_ok), ("wrong", &m.logins_wrong), ("limited", &m.logins_limited)];
    let logins = logins.map(|(outcome, n)| (outcome, count(n)));
    out.counters("fitconnect_logins", "Attempts to log in by outcome", "outcome", logins)?;
    out.counter("fitconnect_tokens_refused", "Tokens that were not believed", count(&m.tokens_refused))?;
    out.counter("fitconnect_origins_refused", "Requests of foreign pages", count(&m.origins_refused))
}

fn actors(stats: &Stats, out: &mut Writer<'_>) -> fmt::Result {
    let by = |read: fn(&KindStats) -> f64| Kind::ALL.map(|kind| (kind.as_str(), read(stats.of(kind))));
    let counted = |read: fn(&KindStats) -> u64| Kind::ALL.map(|kind| (kind.as_str(), read(stats.of(kind))));
    out.gauges("fitconnect_actors_alive", "Actors in memory", "kind", by(|k| level(&k.alive)))?;
    out.gauges(
        "fitconnect_actors_mailbox",
        "Messages accepted and not yet handled",
        "kind",
        by(|k| level(&k.mailbox)),
    )?;
    out.gauges("fitconnect_actors_broken", "Actors parked for a human", "kind", by(|k| level(&k.broken)))?;
    out.counters(
        "fitconnect_actors_restarts",
        "Machines loaded again after a fault",
        "kind",
        counted(|k| count(&k.restarts)),
    )?;
    out.counters("fitconnect_actors_panics", "Panics caught", "kind", counted(|k| count(&k.panics)))?;
    out.counters("fitconnect_actors_full", "Messages refused by a full mailbox", "kind", counted(|k| count(&k.full)))?;
    out.histograms(
        "fitconnect_actors_handling_seconds",
        "How long messages took to handle",
        "kind",
        Kind::ALL.map(|kind| {
            let stats = stats.of(kind);
            let bounds = HANDLING_US.iter().map(|us| *us as f64 / 1e6).chain([f64::INFINITY]);
            let buckets = bounds.zip(stats.handling.iter().map(count)).collect();
            (kind.as_str(), stats.handling_us_sum.load(Ordering::Relaxed) as f64 / 1e6, buckets)
        }),
    )?;
    out.counter("fitconnect_commits", "Commits of actors that are durable", count(&stats.commits))?;
    out.counter(
        "fitconnect_commits_failed",
        "Commits that failed or whose outcome is unknown",
        count(&stats.commits_failed),
    )?;
    out.counter("fitconnect_letters", "Letters that were delivered between actors", count(&stats.letters))?;
    out.counter(
        "fitconnect_commands_repeated",
        "Commands that were answered from memory or store",
        count(&stats.repeats),
    )
}

fn store(store: &StoreStats, out: &mut Writer<'_>) -> fmt::Result {
    let waiting = store.log_bytes_waiting as f64;
    out.gauge("fitconnect_spool_bytes", "Bytes of the local log that the event store does not have", waiting)?;
    let windows = store.log_windows_waiting as f64;
    out.gauge("fitconnect_spool_windows", "Sealed windows that the event store does not have", windows)?;
    let is_open = f64::from(u8::from(store.log_trouble.is_none()));
    out.gauge("fitconnect_log_open", "1 while the local log takes samples", is_open)?;
    let sync_s = store.log_sync_last.as_secs_f64();
    out.gauge("fitconnect_log_sync_seconds", "How long the last sync of the log took", sync_s)?;
    out.counter("fitconnect_log_groups", "Groups written and synced", store.log_groups)?;
    out.counter("fitconnect_log_groups_failed", "Groups that the disk refused", store.log_groups_failed)?;
    out.counter("fitconnect_log_bytes", "Bytes written to the local log", store.log_bytes)?;
    out.counter("fitconnect_log_samples", "Samples written to the local log", store.log_samples)?;
    out.counter("fitconnect_log_busy", "Appends refused because too much waits or the disk refuses", store.log_busy)?;
    out.counter("fitconnect_spool_shipped", "Windows that the event store has taken", store.windows_shipped)?;
    out.gauge(
        "fitconnect_spool_lag_seconds",
        "Age of the oldest window that the event store does not have",
        store.ship_lag.as_secs_f64(),
    )?;
    if let Some(pace) = store.ship_pace {
        out.gauge("fitconnect_spool_pace", "Batches that may be under way to the event store", pace as f64)?;
    }
    let quorum = f64::from(u8::from(store.ack_quorum));
    out.gauge("fitconnect_ack_quorum", "1 while samples are acknowledged by the event store", quorum)?;
    out.counter("fitconnect_ack_fallbacks", "Times that the event store was away", store.ack_fallbacks)?;
    out.counter("fitconnect_spool_failures", "Attempts to ship a window that failed", store.ship_failures)?;
    out.counter("fitconnect_outbox_told", "Changes that the event store was told", store.outbox_told)?;
    out.counter("fitconnect_outbox_failures", "Attempts to tell it that failed", store.outbox_failures)?;
    let outbox_lag_s = store.outbox_lag.as_secs_f64();
    out.gauge("fitconnect_outbox_lag_seconds", "Age of the oldest change that waits to be told", outbox_lag_s)?;
    out.counter("fitconnect_state_transactions", "Transactions of the state store", store.state_transactions)?;
    out.counter("fitconnect_state_queries", "Statements of the state store outside of them", store.state_queries)?;
    out.counter("fitconnect_state_commits", "Actors' commits in them", store.state_commits)?;
    let tries = store.state_retries.iter().copied();
    out.counters("fitconnect_state_retries", "Tries of the state store after the first, by work", "work", tries)?;
    out.counter("fitconnect_state_unknown", "Commits whose outcome had to be read again", store.state_unknown)?;
    out.counter("fitconnect_letters_unreadable", "Letters that are passed over", store.letters_unreadable)
}

fn process(process: &Process, out: &mut Writer<'_>) -> fmt::Result {
    out.counter("process_cpu_seconds", "CPU time, user and system", process.cpu_s)?;
    out.gauge("process_resident_memory_bytes", "Resident memory", process.resident_bytes as f64)?;
    out.gauge("process_open_fds", "Open file descriptors", process.open_fds as f64)?;
    out.gauge("process_threads", "Threads", process.threads as f64)
}

fn count(n: &AtomicU64) -> u64 {
    n.load(Ordering::Relaxed)
}

fn level(n: &AtomicI64) -> f64 {
    n.load(Ordering::Relaxed) as f64
}

/// A bucket list with its label and sum.
type Buckets = (&'static str, f64, Vec<(f64, u64)>);

struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(of, value)| family.encode_family(&[(label, of)])?.encode_gauge(&value))
    }

    fn counter(&mut self, name: &str, help: &str, value: impl EncodeCounterValue) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        let mut each = |(of, value): (&'static str, u64)| {
            family.encode_family(&[(label, of)])?.encode_counter::<NoLabelSet, _, u64>(&value, None)
        };
        values.into_iter().try_for_each(&mut each)
    }

    fn timing(&mut self, name: &str, help: &str, timing: &Timing) -> fmt::Result {
        let (sum, buckets) = timing.read();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        all: impl IntoIterator<Item = Buckets>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        all.into_iter().try_for_each(|(of, sum, buckets)| {
            let count = buckets.iter().map(|(_, count)| count).sum();
            family.encode_family(&[(label, of)])?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })
    }
}
