//! What Prometheus reads.

use super::*;
use fitconnect_actors::stats::Kind;
use fitconnect_protocol::CloseCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn line<'a>(text: &'a str, beginning: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(beginning))
        .unwrap_or_else(|| panic!("{beginning} is missing in\n{text}"))
        .trim()
}

#[derive(Default)]
struct Server {
    stats: Stats,
    telemetry: Telemetry,
}

impl Sources for Server {
    fn actors(&self) -> &Stats {
        &self.stats
    }
    fn fanout(&self) -> Fanout {
        Fanout { waiting_bytes: 512, deliveries: 9, ..Fanout::default() }
    }
    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

#[test]
fn what_is_counted_is_read() {
    let server = Arc::new(Server::default());
    let telemetry = &server.telemetry;
    telemetry.watch_store(Box::new(|| StoreStats {
        log_bytes_waiting: 77,
        log_sync_last: Duration::from_millis(3),
        ..StoreStats::default()
    }));
    telemetry.set_ready(true);
    telemetry.socket_opened();
    telemetry.socket_opened();
    telemetry.socket_closed();
    telemetry.closed(CloseCode::TooSlow);
    telemetry.metrics.http_time.took(Duration::from_millis(40));
    telemetry.metrics.http_time.took(Duration::from_secs(60));
    let class = server.stats.of(Kind::Class);
    class.alive.fetch_add(2, Ordering::Relaxed);
    class.handled(Duration::from_micros(15));
    class.handled(Duration::from_secs(1));

    let text = text(server);
    assert_eq!(line(&text, "fitconnect_sockets "), "1.0");
    assert_eq!(line(&text, "fitconnect_sockets_opened_total "), "2");
    assert_eq!(line(&text, "fitconnect_ready "), "1.0");
    assert_eq!(line(&text, "fitconnect_sockets_closed_total{reason=\"too_slow\"}"), "1");
    assert_eq!(line(&text, "fitconnect_outbox_bytes "), "512.0");
    assert_eq!(line(&text, "fitconnect_deliveries_total "), "9");
    assert_eq!(line(&text, "fitconnect_http_seconds_bucket{le=\"0.025\"}"), "0");
    assert_eq!(line(&text, "fitconnect_http_seconds_bucket{le=\"0.05\"}"), "1");
    assert_eq!(line(&text, "fitconnect_http_seconds_bucket{le=\"+Inf\"}"), "2");
    assert_eq!(line(&text, "fitconnect_actors_alive{kind=\"class\"}"), "2.0");
    assert_eq!(line(&text, "fitconnect_actors_handling_seconds_bucket{le=\"0.00002\",kind=\"class\"}"), "1");
    assert_eq!(line(&text, "fitconnect_actors_handling_seconds_count{kind=\"class\"}"), "2");
    assert_eq!(line(&text, "fitconnect_spool_bytes "), "77.0");
    assert_eq!(line(&text, "fitconnect_log_sync_seconds "), "0.003");
    assert!(line(&text, "process_resident_memory_bytes ").parse::<f64>().expect("a number") > 1e6);
    assert!(line(&text, "process_open_fds ").parse::<f64>().expect("a number") >= 3.0);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_handbook_names_every_metric() {
    let handbook = include_str!("../../docs/operations.md");
    let server = Arc::new(Server::default());
    server.telemetry.watch_store(Box::new(StoreStats::default));
    let text = text(server);
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names {
        assert!(handbook.contains(&format!("`{name}`")), "docs/operations.md lacks {name}");
    }
}
