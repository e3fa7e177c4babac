//! What a disk has of a commit that was under way when its machine died.

use super::random::Random;
use crate::hash::Fnv128;
use crate::journal::Change;

/// What is written at once.
const SECTOR: usize = 64;

/// What became of the sectors of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// All of them are there.
    Whole,
    /// None is.
    Missing,
    /// The first ones are, the last of them in part.
    Torn,
    /// Later ones are, and earlier ones are not.
    Reordered,
}

/// Writes the changes to a disk that dies meanwhile; says what is on it, and whether the commit is
/// found there by its checksum.
pub(super) fn write_and_die(changes: &[Change], random: &mut Random) -> (Tail, bool) {
    let frame = frame(&format!("{changes:?}"));
    let sectors = frame.len().div_ceil(SECTOR);
    let (tail, kept): (Tail, Box<dyn Fn(usize) -> usize>) = match random.below(4) {
        0 => (Tail::Whole, Box::new(|_| SECTOR)),
        1 => (Tail::Missing, Box::new(|_| 0)),
        2 => {
            let (last, part) = (random.below(sectors), random.below(SECTOR));
            let kept = move |sector: usize| match sector.cmp(&last) {
                std::cmp::Ordering::Less => SECTOR,
                std::cmp::Ordering::Equal => part,
                std::cmp::Ordering::Greater => 0,
            };
            (Tail::Torn, Box::new(kept))
        }
        _ => {
            let lost = random.below(sectors);
            (Tail::Reordered, Box::new(move |sector| if sector == lost { 0 } else { SECTOR }))
        }
    };
    let mut disk = vec![0; frame.len()];
    for (sector, (to, from)) in disk.chunks_mut(SECTOR).zip(frame.chunks(SECTOR)).enumerate() {
        let kept = kept(sector).min(from.len());
        to[..kept].copy_from_slice(&from[..kept]);
    }
    (tail, is_whole(&disk))
}

/// The hash of a text, and the text.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = hash(text.as_bytes()).to_vec();
    frame.extend_from_slice(text.as_bytes());
    frame
}

fn is_whole(disk: &[u8]) -> bool {
    disk.split_first_chunk::<16>().is_some_and(|(found, text)| *found == hash(text))
}

fn hash(text: &[u8]) -> [u8; 16] {
    let mut hash = Fnv128::new();
    hash.write(text);
    hash.0.to_be_bytes()
}
