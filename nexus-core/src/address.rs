//! Where in a run something happens.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A step of a flow, or an item of an `each` step: `validate_order/1/process_payment`, `clean#2`
/// where an event stands a second time, `charge[3]` for the item with the index 3.
///
/// ```
/// use nexus_core::StepAddress;
/// let address: StepAddress = "notify/1/send[3]".parse()?;
/// assert_eq!((address.path(), address.item()), ("notify/1/send", Some(3)));
/// assert_eq!(address.to_string(), "notify/1/send[3]");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepAddress {
    path: String,
    item: Option<u64>,
}

impl StepAddress {
    /// The step with this path, or an item of it.
    pub fn new(path: impl Into<String>, item: Option<u64>) -> Self {
        Self { path: path.into(), item }
    }

    /// The step's place in the flow.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The item's index, from 0.
    pub fn item(&self) -> Option<u64> {
        self.item
    }
}

impl fmt::Display for StepAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            None => f.write_str(&self.path),
            Some(item) => write!(f, "{}[{item}]", self.path),
        }
    }
}

impl FromStr for StepAddress {
    type Err = Infallible;

    /// Without an index in brackets at its end, all of the text is a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let index = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        let item = index.and_then(|(path, item)| Some((path, item.parse().ok()?)));
        Ok(match item {
            Some((path, item)) => Self::new(path, Some(item)),
            None => Self::new(text, None),
        })
    }
}
