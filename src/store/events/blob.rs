//! Samples as the bytes of one row, the same in every engine.

use crate::store::log::codec;
use fitconnect_actors::ports::StoreError;
use fitconnect_domain::class::StoredSample;

/// First byte: how the rest is written.
const LAYOUT: u8 = 1;

pub fn blob(samples: &[StoredSample]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + samples.len() * 12);
    bytes.push(LAYOUT);
    codec::put_samples(&mut bytes, samples);
    bytes
}

pub fn unblob(bytes: &[u8]) -> Result<Vec<StoredSample>, StoreError> {
    let later = || StoreError::Damaged("samples that a later version wrote".into());
    match bytes.split_first() {
        Some((&LAYOUT, rest)) => codec::samples(rest).map_err(|_| later()),
        Some(_) | None => Err(later()),
    }
}
