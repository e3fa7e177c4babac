//! The picture and its options.

use std::borrow::Cow;
use std::sync::Arc;

use nexus_pointy::Flow;

use crate::fitted_text::single_line;
use crate::look::{StepLook, StepLooks};
use crate::model::{Sequence, sequence};
use crate::svg::Form;
use crate::{dot, mermaid, shorten, svg, text};

/// A flow, or a run of one, to be drawn.
///
/// ```
/// use nexus_picture::Picture;
/// let flow = nexus_pointy::parse("fetch |-> resize[each] |-> pack").into_result()?;
/// let picture = Picture::of(&flow).titled("Thumbnails");
/// assert!(picture.svg().ends_with("</svg>\n"));
/// assert!(picture.mermaid().contains("flowchart TD"));
/// assert!(picture.dot().starts_with("digraph "));
/// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a picture does nothing until it is drawn: `svg()`, `text()`, `mermaid()` or `dot()`"]
pub struct Picture {
    title: String,
    root: Arc<Sequence>,
    looks: StepLooks,
    max_steps: usize,
    ascii: bool,
    colored: bool,
}

impl Picture {
    /// A picture of a flow that has not run.
    pub fn of(flow: &Flow) -> Self {
        Self {
            title: String::new(),
            root: Arc::new(sequence(flow, &mut 0)),
            looks: StepLooks::default(),
            max_steps: shorten::MAX_BOXES,
            ascii: false,
            colored: false,
        }
    }

    /// Sets the title above the picture.
    pub fn titled(mut self, title: impl AsRef<str>) -> Self {
        self.title = single_line(title.as_ref());
        self
    }

    /// Sets how the steps ended, in script order. Lines that the run did not take, and steps that
    /// did not run, are grey.
    pub fn with_steps(mut self, steps: impl IntoIterator<Item = StepLook>) -> Self {
        self.looks = StepLooks::new(steps.into_iter().collect());
        self
    }

    /// Draws flows of at most this many steps in full; the default is 80.
    ///
    /// In larger ones long runs of steps, wide groups and deep brackets become one box, such as
    /// `… 994 more`. Steps that failed stay in sight.
    ///
    /// ```
    /// use nexus_picture::Picture;
    /// let script = vec!["step"; 100_000].join(" -> ");
    /// let flow = nexus_pointy::parse(&script).into_result()?;
    /// let picture = Picture::of(&flow);
    /// assert!(picture.text().contains("… 99994 more"));
    /// assert_eq!(picture.text().matches("step").count(), 6);
    /// assert_eq!(picture.in_full().mermaid().matches("step").count(), 100_000);
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    pub fn in_full_up_to(mut self, steps: usize) -> Self {
        self.max_steps = steps;
        self
    }

    /// Draws every step, however many there are.
    pub fn in_full(self) -> Self {
        self.in_full_up_to(usize::MAX)
    }

    /// For terminals without box characters: [`text`](Self::text) draws with `+`, `-` and `|`,
    /// and with `#` and `=` for lines that carry a value. Names stay as they are.
    ///
    /// ```
    /// use nexus_picture::Picture;
    /// let flow = nexus_pointy::parse("a -> b").into_result()?;
    /// assert_eq!(Picture::of(&flow).ascii().text(), "\
    /// +---+
    /// | a |
    /// +-+-+
    ///   |
    ///   v
    /// +---+
    /// | b |
    /// +---+
    /// ");
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    pub fn ascii(mut self) -> Self {
        self.ascii = true;
        self
    }

    /// Lets [`text`](Self::text) colour steps by their outcome, with ANSI escapes.
    pub fn colored(mut self) -> Self {
        self.colored = true;
        self
    }

    /// As a Mermaid flowchart, which GitHub, GitLab and many editors draw in Markdown.
    pub fn mermaid(&self) -> String {
        mermaid::draw(&self.shortened(), &self.looks, &self.title)
    }

    /// In the DOT language of Graphviz.
    pub fn dot(&self) -> String {
        dot::draw(&self.shortened(), &self.looks, &self.title)
    }

    /// As SVG, for light and dark pages, without scripts, fonts or anything else from outside.
    ///
    /// It can stand in Markdown and in doc comments as it is: it begins with a comment, which ends
    /// the paragraph before it, and has no blank line, which would end it.
    pub fn svg(&self) -> String {
        svg::draw(&self.shortened(), &self.looks, &self.title, Form::Alone)
    }

    /// The same as a part of a page that has the style, [`STYLE`](Self::STYLE), itself: a page whose
    /// policy forbids styles inside of it. Each step's group has its place in script order, from 0, as
    /// the attribute `data-step`, so that a script finds it.
    ///
    /// ```
    /// use nexus_picture::Picture;
    /// let flow = nexus_pointy::parse("fetch -> pack").into_result()?;
    /// let part = Picture::of(&flow).svg_part();
    /// assert!(part.contains(r#"data-step="1""#) && !part.contains("<style>"));
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    pub fn svg_part(&self) -> String {
        svg::draw(&self.shortened(), &self.looks, &self.title, Form::Part)
    }

    /// The style of [`svg`](Self::svg), for light and dark pages.
    pub const STYLE: &str = svg::STYLE;

    /// Drawn with box characters, for a terminal.
    pub fn text(&self) -> String {
        text::draw(&self.shortened(), &self.looks, &self.title, self.ascii, self.colored)
    }

    fn shortened(&self) -> Cow<'_, Sequence> {
        shorten::shorten(&self.root, &self.looks, self.max_steps)
    }
}

/// [`text`](Picture::text).
impl std::fmt::Display for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}
