//! What a proof found: figures, each with what was promised and whether it was kept.

use super::Ctx;
use crate::table;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail,
    /// Could not be run here: it says why, and how to get what is missing.
    Skipped,
}

/// Whether a figure decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Kept,
    Missed,
    /// Only to know.
    Shown,
}

struct Row {
    what: String,
    figure: String,
    promised: String,
    judged: Judged,
}

/// Figures in the order in which they were added. At least one must be judged, or the proof fails: a proof that judges nothing shows nothing.
#[derive(Default)]
pub struct Outcome {
    rows: Vec<Row>,
    figure: String,
    skipped: bool,
}

impl Outcome {
    /// `figure` is what stands behind `PASS name:`, the one number by which the proof is known.
    pub fn new() -> Outcome {
        Outcome::default()
    }

    /// The one figure by which the proof is known.
    pub fn figure(&mut self, figure: impl Into<String>) {
        self.figure = figure.into();
    }

    /// Something good to know.
    pub fn fact(&mut self, what: &str, figure: impl ToString) {
        self.push(what, figure.to_string(), String::new(), Judged::Shown);
    }

    /// Something that must hold, always.
    pub fn must(&mut self, what: &str, figure: impl ToString, promised: &str, kept: bool) {
        self.push(what, figure.to_string(), promised.into(), if kept { Judged::Kept } else { Judged::Missed });
    }

    /// Something that must hold at full size; in the short form, on a machine that does other things too, it is only shown.
    pub fn speed(&mut self, ctx: &Ctx, what: &str, figure: impl ToString, promised: &str, kept: bool) {
        if ctx.quick {
            return self.push(what, figure.to_string(), format!("{promised} (not judged)"), Judged::Shown);
        }
        self.must(what, figure, promised, kept);
    }

    /// What another proof has found, as part of this one.
    pub fn absorb(&mut self, part: &str, other: Outcome) {
        self.rows.extend(other.rows.into_iter().map(|row| Row { what: format!("{part}: {}", row.what), ..row }));
    }

    /// It cannot be run here.
    pub fn skipped(why: &str) -> Outcome {
        Outcome { rows: vec![], figure: why.into(), skipped: true }
    }

    /// It could not be finished.
    pub fn broken(why: &str) -> Outcome {
        let mut outcome = Outcome::new();
        outcome.must("the run", "did not end", "ends", false);
        outcome.figure(why);
        outcome
    }

    pub fn verdict(&self) -> Verdict {
        if self.skipped {
            return Verdict::Skipped;
        }
        let judged = |judged| self.rows.iter().filter(|row| row.judged == judged).count();
        if judged(Judged::Missed) == 0 && judged(Judged::Kept) > 0 { Verdict::Pass } else { Verdict::Fail }
    }

    /// `PASS name: figure`.
    pub fn line(&self, name: &str) -> String {
        let word = match self.verdict() {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Skipped => "SKIPPED",
        };
        let missed = self.rows.iter().filter(|row| row.judged == Judged::Missed).map(|row| row.what.as_str());
        let missed: Vec<_> = missed.collect();
        let figure = self.figure.lines().next_back().unwrap_or_default();
        if missed.is_empty() || self.verdict() == Verdict::Skipped {
            return format!("{word} {name}: {figure}");
        }
        format!("{word} {name}: {figure} (missed: {})", missed.join("; "))
    }

    pub fn table(&self, ctx: &Ctx) -> String {
        let mark = |judged| match judged {
            Judged::Kept => "kept",
            Judged::Missed => "MISSED",
            Judged::Shown => "",
        };
        let cells =
            |row: &Row| vec![row.what.clone(), row.figure.clone(), row.promised.clone(), mark(row.judged).into()];
        let mut rows: Vec<_> = self.rows.iter().map(cells).collect();
        rows.push(vec!["seed".into(), ctx.seed.to_string()]);
        let more = if self.figure.lines().count() > 1 { format!("\n\n{}", self.figure) } else { String::new() };
        table::render(&["what", "figure", "promised", ""], &rows) + &more
    }

    /// For programs.
    pub fn json(&self, name: &str, ctx: &Ctx) -> serde_json::Value {
        let row = |row: &Row| {
            let kept = match row.judged {
                Judged::Kept => Some(true),
                Judged::Missed => Some(false),
                Judged::Shown => None,
            };
            serde_json::json!({ "what": row.what, "figure": row.figure, "promised": row.promised, "kept": kept })
        };
        serde_json::json!({
            "proof": name,
            "verdict": format!("{:?}", self.verdict()).to_lowercase(),
            "figure": self.figure,
            "seed": ctx.seed,
            "quick": ctx.quick,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    fn push(&mut self, what: &str, figure: String, promised: String, judged: Judged) {
        self.rows.push(Row { what: what.into(), figure, promised, judged });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Ctx = Ctx { quick: false, seed: 7, only: None, databases: None };
    const QUICK: Ctx = Ctx { quick: true, seed: 7, only: None, databases: None };

    #[test]
    fn one_missed_promise_fails_the_proof() {
        let mut outcome = Outcome::new();
        outcome.figure("2 of 2");
        assert_eq!(outcome.verdict(), Verdict::Fail, "nothing was judged");
        outcome.must("points", "equal", "equal to golden", true);
        assert_eq!(outcome.line("recordings"), "PASS recordings: 2 of 2");
        outcome.must("zones", "off by 3 s", "equal to golden", false);
        assert_eq!(outcome.line("recordings"), "FAIL recordings: 2 of 2 (missed: zones)");
    }

    #[test]
    fn speed_is_judged_at_full_size_only() {
        let outcome = |ctx: &Ctx| {
            let mut outcome = Outcome::new();
            outcome.must("all acknowledged", 40, "40", true);
            outcome.speed(ctx, "p99", "412 ms", "≤ 400 ms", false);
            outcome.verdict()
        };
        assert_eq!((outcome(&FULL), outcome(&QUICK)), (Verdict::Fail, Verdict::Pass));
    }
}
