//! Messages that the compiler builds.

use crate::event::DescriptorName;

/// A text of bounded length that constant functions can write.
pub(crate) struct Text {
    bytes: [u8; Self::MOST],
    len: usize,
}

impl Text {
    const MOST: usize = 2048;

    pub(crate) const fn new() -> Self {
        Self { bytes: [0; Self::MOST], len: 0 }
    }

    pub(crate) const fn add(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && self.len < Self::MOST {
            self.bytes[self.len] = bytes[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// `name` in backticks.
    pub(crate) const fn tick(self, name: &str) -> Self {
        self.add("`").add(name).add("`")
    }

    /// What a parameter borrows from, if its type does not say so itself.
    pub(crate) const fn borrowed_from(self, owned: &str) -> Self {
        if owned.is_empty() { self } else { self.add(" (borrowed from ").tick(owned).add(")") }
    }

    /// The names in backticks, or "none".
    pub(crate) const fn list(mut self, names: &[&str]) -> Self {
        let mut i = 0;
        while i < names.len() {
            if i > 0 {
                self = self.add(", ");
            }
            self = self.tick(names[i]);
            i += 1;
        }
        if names.is_empty() { self.add("none") } else { self }
    }

    /// All of another text.
    pub(crate) const fn append(mut self, other: &Self) -> Self {
        let mut i = 0;
        while i < other.len && self.len < Self::MOST {
            self.bytes[self.len] = other.bytes[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// The name of a branch.
    pub(crate) const fn descriptor(self, name: DescriptorName) -> Self {
        match name {
            DescriptorName::Number(number) => self.number(number as usize),
            DescriptorName::Name(name) => self.add(name),
        }
    }

    pub(crate) const fn number(self, n: usize) -> Self {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let before = if n >= 10 { self.number(n / 10) } else { self };
        before.add(DIGITS[n % 10])
    }

    /// Ends the compilation with this message and its code, which `nexus explain` takes.
    #[track_caller]
    pub(crate) const fn panic(self, code: &str) -> ! {
        self.add(" [").add(code).add("]").raise()
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "a compile error is a panic of a constant")]
    const fn raise(&self) -> ! {
        let bytes = self.bytes.split_at(self.len).0;
        let text = match core::str::from_utf8(bytes) {
            Ok(text) => text,
            // A long message may be cut inside of a character.
            Err(error) => match core::str::from_utf8(bytes.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "the flow has a mistake",
            },
        };
        panic!("{}", text)
    }
}

pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

pub(crate) const fn has(names: &[&str], name: &str) -> bool {
    position(names, name).is_some()
}

/// Where the name stands among others.
pub(crate) const fn position(names: &[&str], name: &str) -> Option<usize> {
    let mut i = 0;
    while i < names.len() {
        if same(names[i], name) {
            return Some(i);
        }
        i += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{has, same};

    #[test]
    fn words_are_compared_letter_by_letter() {
        assert!(same("a", "a") && !same("a", "b") && !same("a", "ab"));
        assert!(has(&["x", "y"], "y") && !has(&[], "y"));
    }
}
