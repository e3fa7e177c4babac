//! Hashes that are the same on every machine and in every release, which the standard library's
//! hashers do not promise.

use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a with 128 bits.
pub(crate) struct Fnv128(pub(crate) u128);

impl Fnv128 {
    pub(crate) fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// Hashes `bytes` and their number, so that `ab, c` differs from `a, bc`.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_be_bytes()) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

/// Spreads the differences of numbers over all bits, and keeps different numbers apart: the
/// finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// For maps whose keys are small numbers of the engine's own, which nobody chooses to collide.
pub(crate) type ByNumbers = BuildHasherDefault<NumberHasher>;

/// Hashes numbers.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self.0 ^ number);
    }
    fn write_isize(&mut self, discriminant: isize) {
        self.write_u64(discriminant.cast_unsigned() as u64);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
