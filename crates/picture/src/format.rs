//! The ways in which a picture is written, by name and by the ending of a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::picture::Picture;

/// A way in which a picture is written; see [`Picture::draw`].
///
/// ```
/// use nexus_picture::Format;
/// assert_eq!(Format::of_path("flow.svg"), Ok(Format::Svg));
/// assert_eq!("mermaid".parse(), Ok(Format::Mermaid));
/// assert_eq!(
///     Format::of_path("flow.png").unwrap_err().to_string(),
///     "`flow.png` ends with none of .svg, .mmd, .dot, .gv and .txt",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// [`Picture::svg`].
    Svg,
    /// [`Picture::mermaid`].
    Mermaid,
    /// [`Picture::dot`].
    Dot,
    /// [`Picture::text`].
    Text,
    /// [`Picture::text`] of an [`ascii`](Picture::ascii) picture.
    Ascii,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Svg, Self::Mermaid, Self::Dot, Self::Text, Self::Ascii];

    /// Its name: `svg`, `mermaid`, `dot`, `text` or `ascii`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::Text => "text",
            Self::Ascii => "ascii",
        }
    }

    /// What it is for, in a few words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Svg => "For documentation and browsers, light and dark",
            Self::Mermaid => "A flowchart that GitHub, GitLab and many editors draw in Markdown",
            Self::Dot => "For Graphviz",
            Self::Text => "Box characters, for a terminal",
            Self::Ascii => "The same with `+`, `-` and `|`, for terminals without box characters",
        }
    }

    /// The format that the ending of a file asks for: `.svg`, `.mmd` or `.mermaid`, `.dot` or
    /// `.gv`, `.txt`.
    ///
    /// # Errors
    /// If it has another ending, or none.
    pub fn of_path(path: impl AsRef<Path>) -> Result<Self, UnknownFormat> {
        let path = path.as_ref();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("mmd" | "mermaid") => Ok(Self::Mermaid),
            Some("dot" | "gv") => Ok(Self::Dot),
            Some("txt") => Ok(Self::Text),
            _ => Err(UnknownFormat(Unknown::Path(path.to_owned()))),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let named = Self::ALL.into_iter().find(|format| format.name() == name);
        named.ok_or_else(|| UnknownFormat(Unknown::Name(name.to_owned())))
    }
}

/// Neither a name nor a file's ending says which format is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFormat(Unknown);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Unknown {
    Name(String),
    Path(PathBuf),
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Unknown::Name(name) => {
                write!(f, "`{name}` is none of {}", Format::ALL.map(Format::name).join(", "))
            }
            Unknown::Path(path) => {
                write!(f, "`{}` ends with none of .svg, .mmd, .dot, .gv and .txt", path.display())
            }
        }
    }
}

impl std::error::Error for UnknownFormat {}

impl Picture {
    /// Draws it in a format that is known when the program runs.
    ///
    /// ```
    /// use nexus_picture::{Format, Picture};
    /// let picture = Picture::of(&nexus_pointy::parse("a -> b").into_result()?);
    /// assert_eq!(picture.draw(Format::Dot), picture.dot());
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    #[must_use]
    pub fn draw(&self, format: Format) -> String {
        match format {
            Format::Svg => self.svg(),
            Format::Mermaid => self.mermaid(),
            Format::Dot => self.dot(),
            Format::Text => self.text(),
            Format::Ascii => self.clone().ascii().text(),
        }
    }
}
