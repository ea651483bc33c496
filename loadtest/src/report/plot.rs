//! The page of a report: its table and its plots as inline SVG, nothing loaded from anywhere.

use super::{Curve, Line, Report, number};
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 28.0;
const BOTTOM: f64 = 36.0;
const COLOURS: [&str; 6] = ["#0b6bcb", "#c41c1c", "#1f7a1f", "#9a5b13", "#6b3fa0", "#444444"];

pub fn page(report: &Report) -> String {
    let mut body = String::new();
    if !report.curves.is_empty() {
        body.push_str(&curves(&report.curves));
    }
    for line in report.lines.iter().filter(|line| !line.values.is_empty()) {
        body.push_str(&timeline(line));
    }
    let table: String = report
        .figures
        .iter()
        .map(|figure| format!("<tr><td>{}<td class=n>{} {}", escaped(&figure.words), number(figure.value), figure.unit))
        .collect();
    let troubles: String =
        report.troubles.iter().map(|(what, count)| format!("<tr><td>{}<td class=n>{count}", escaped(what))).collect();
    let settings: Vec<String> = report.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let title = escaped(&report.run);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}}\
         table{{border-collapse:collapse}}td{{padding:.15rem .8rem .15rem 0}}.n{{text-align:right;font-variant-numeric:tabular-nums}}\
         svg text{{font:12px system-ui,sans-serif;fill:#444}}h2{{font-size:1rem;margin:1.5rem 0 .3rem}}</style>\
         <h1>{title}</h1><p>seed {}; {}</p><table>{table}</table>{}{body}</html>\n",
        report.seed,
        escaped(&settings.join(", ")),
        if troubles.is_empty() { String::new() } else { format!("<h2>Troubles</h2><table>{troubles}</table>") },
    )
}

/// Latency by percentile; the axis is in nines, so that the tail is seen.
fn curves(curves: &[Curve]) -> String {
    let top = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).fold(0.0, f64::max);
    let nines = |percent: f64| -(1.0 - percent.min(99.99) / 100.0).log10();
    let x = |percent: f64| LEFT + nines(percent) / 4.0 * (WIDTH - LEFT - RIGHT);
    let mut svg = open("Latency by percentile, ms", top);
    for percent in [0.0, 50.0, 90.0, 99.0, 99.9, 99.99] {
        tick(&mut svg, x(percent), &format!("p{percent}"));
    }
    for (index, curve) in curves.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            curve.points.iter().filter(|point| point.0 < 100.0).map(|(p, ms)| (x(*p), y(*ms, top))).collect();
        polyline(&mut svg, &points, COLOURS[index % COLOURS.len()]);
        let words = format!("{} ({})", escaped(&curve.name), curve.count);
        let (at, colour) = (28.0 + 16.0 * index as f64, COLOURS[index % COLOURS.len()]);
        let _ = write!(svg, "<text x={} y={at} style=\"fill:{colour}\">{words}</text>", LEFT + 10.0);
    }
    svg + "</svg>"
}

fn timeline(line: &Line) -> String {
    let top = line.values.iter().copied().fold(0.0, f64::max);
    let step = (WIDTH - LEFT - RIGHT) / (line.values.len().max(2) - 1) as f64;
    let mut svg = open(&format!("{}, {} by second", line.name, line.unit), top);
    for part in 0..=4 {
        let second = (line.values.len() - 1) * part / 4;
        tick(&mut svg, LEFT + second as f64 * step, &format!("{second} s"));
    }
    let points: Vec<(f64, f64)> =
        line.values.iter().enumerate().map(|(at, value)| (LEFT + at as f64 * step, y(*value, top))).collect();
    polyline(&mut svg, &points, COLOURS[0]);
    svg + "</svg>"
}

/// Where a value stands, with some air above the largest.
fn y(value: f64, top: f64) -> f64 {
    let share = if top > 0.0 { value / (top * 1.1) } else { 0.0 };
    (HEIGHT - BOTTOM) - share * (HEIGHT - BOTTOM - 10.0)
}

fn open(title: &str, top: f64) -> String {
    let mut svg = format!("<h2>{}</h2><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img>", escaped(title));
    for part in 0..=4 {
        let value = top * f64::from(part) / 4.0;
        let at = y(value, top);
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{WIDTH}\" stroke=\"#ddd\"/><text x={} y={:.1} text-anchor=end>{}</text>",
            LEFT - 6.0,
            at + 4.0,
            number(value)
        );
        if top <= 0.0 {
            break;
        }
    }
    svg
}

fn tick(svg: &mut String, x: f64, words: &str) {
    let _ = write!(svg, "<text x={x:.1} y={:.1} text-anchor=middle>{words}</text>", HEIGHT - 12.0);
}

fn polyline(svg: &mut String, points: &[(f64, f64)], colour: &str) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = write!(svg, "<polyline points=\"{}\" fill=none stroke=\"{colour}\" stroke-width=2 />", points.join(" "));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
