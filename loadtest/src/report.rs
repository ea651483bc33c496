//! What a run tells: figures with names that programs may rely on, latencies as curves, a timeline. As a table for people,
//! as JSON for programs, as one page with plots.

mod plot;

use crate::error::LoadError;
use crate::tally::Latencies;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Percentiles of a curve.
const PERCENTILES: [f64; 12] = [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 100.0];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Stable, in snake case, the unit last.
    pub key: String,
    /// For people.
    pub words: String,
    pub value: f64,
    pub unit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    pub name: String,
    pub count: u64,
    /// Percentile and milliseconds.
    pub points: Vec<(f64, f64)>,
}

/// Values second by second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub name: String,
    pub unit: &'static str,
    pub values: Vec<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    pub run: String,
    pub seed: u64,
    pub settings: BTreeMap<String, String>,
    pub figures: Vec<Figure>,
    pub curves: Vec<Curve>,
    pub lines: Vec<Line>,
    /// What went wrong, and how often.
    pub troubles: BTreeMap<String, u64>,
}

impl Report {
    pub fn new(run: &str, seed: u64) -> Report {
        Report { run: run.into(), seed, ..Report::default() }
    }

    pub fn setting(&mut self, name: &str, value: impl ToString) {
        self.settings.insert(name.into(), value.to_string());
    }

    pub fn figure(&mut self, key: impl Into<String>, words: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { key: key.into(), words: words.into(), value, unit });
    }

    /// p50, p99, p999 and the longest of these latencies, and their curve.
    pub fn latencies(&mut self, key: &str, words: &str, latencies: &Latencies) {
        for (name, percent) in [("p50", 50.0), ("p99", 99.0), ("p999", 99.9)] {
            self.figure(format!("{key}_{name}_ms"), format!("{words}, {name}"), latencies.ms(percent), "ms");
        }
        self.figure(format!("{key}_max_ms"), format!("{words}, longest"), latencies.max_ms(), "ms");
        let points = PERCENTILES.iter().map(|percent| (*percent, latencies.ms(*percent))).collect();
        self.curves.push(Curve { name: words.into(), count: latencies.len(), points });
    }

    pub fn line(&mut self, name: &str, unit: &'static str, values: Vec<f64>) {
        self.lines.push(Line { name: name.into(), unit, values });
    }

    pub fn trouble(&mut self, troubles: BTreeMap<String, u64>) {
        for (what, count) in troubles {
            *self.troubles.entry(what).or_default() += count;
        }
    }

    /// A figure by its key.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.key == key).map(|figure| figure.value)
    }

    pub fn table(&self) -> String {
        let settings: Vec<String> = self.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let mut table = format!("{} (seed {}; {})\n", self.run, self.seed, settings.join(", "));
        let width = self.figures.iter().map(|figure| figure.words.chars().count()).max().unwrap_or(0);
        for Figure { words, value, unit, .. } in &self.figures {
            // Writing into a String does not fail.
            let _ = writeln!(table, "  {words:<width$}  {:>12} {unit}", number(*value));
        }
        if !self.troubles.is_empty() {
            table.push_str("troubles\n");
        }
        for (what, count) in &self.troubles {
            let _ = writeln!(table, "  {count:>8} × {what}");
        }
        table
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report has text keys and finite numbers")
    }

    /// Writes the page with plots.
    pub fn write_html(&self, path: &Path) -> Result<(), LoadError> {
        std::fs::write(path, plot::page(self)).map_err(LoadError::io(format!("{} cannot be written", path.display())))
    }
}

/// At most four digits that mean something.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 || large == 0.0 => 0,
        large if large >= 10.0 => 1,
        large if large >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new("class", 7);
        report.setting("riders", 15_000);
        let mut latencies = Latencies::default();
        (1..=1_000).for_each(|ms| latencies.record(ms * 1_000));
        report.latencies("board", "sample to own board", &latencies);
        report.figure("cores", "server's processors", 0.4567, "cores");
        report.line("samples", "1/s", vec![1.0, 2.0, 3.0]);
        report.trouble(BTreeMap::from([("lost <b>".to_owned(), 3)]));
        report
    }

    #[test]
    fn a_figure_is_found_by_its_key_and_stands_in_table_and_json() {
        let report = report();
        assert!((report.value("board_p99_ms").expect("there") - 990.0).abs() < 2.0);
        assert_eq!(report.value("nothing"), None);
        assert!(report.table().contains("server's processors"), "{}", report.table());
        assert!(report.table().contains("3 × lost"), "{}", report.table());
        let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
        assert_eq!(json["figures"][4]["key"], "cores");
    }

    #[test]
    fn the_page_has_a_plot_of_each_kind_and_escapes_what_it_quotes() {
        let page = plot::page(&report());
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(page.contains("lost &lt;b&gt;") && !page.contains("lost <b>"));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn numbers_keep_what_means_something() {
        assert_eq!(
            [number(15_000.4), number(0.0), number(12.34), number(1.234), number(0.0456)],
            ["15000", "0", "12.3", "1.23", "0.046"]
        );
    }
}
