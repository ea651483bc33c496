//! The shipped notifications of a strap, read apart from the page that reads them: Heart Rate Measurement, 0x2A37.

use crate::Result;

#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub at_ms: i64,
    pub bpm: u16,
    pub rr_ms: Vec<u16>,
}

/// `<t_ms> <hex>` a line.
pub fn read(text: &str) -> Result<Vec<Packet>> {
    text.lines().map(|line| packet(line).ok_or_else(|| format!("{line:?} is no packet").into())).collect()
}

fn packet(line: &str) -> Option<Packet> {
    let (at, hex) = line.split_once(' ')?;
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect::<Option<_>>()?;
    let (flags, rest) = bytes.split_first()?;
    // None of the shipped ones is wide or tells energy; where one did, this would have to read it.
    if flags & 0b1001 != 0 {
        return None;
    }
    let (bpm, rr) = rest.split_first()?;
    let rr_ms = if flags & 0b1_0000 == 0 { Vec::new() } else { rr.chunks_exact(2).map(interval).collect() };
    Some(Packet { at_ms: at.parse().ok()?, bpm: u16::from(*bpm), rr_ms })
}

/// 1/1024 s to whole milliseconds.
fn interval(bytes: &[u8]) -> u16 {
    let ticks = f64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    (ticks * 1_000.0 / 1_024.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_its_beats() {
        let read = read("2000 1681de01db01\n3000 0680").expect("two packets");
        assert_eq!(read[0], Packet { at_ms: 2_000, bpm: 129, rr_ms: vec![467, 464] });
        assert_eq!(read[1], Packet { at_ms: 3_000, bpm: 128, rr_ms: vec![] });
        assert!(super::read("1000 zz").is_err());
    }
}
