//! Flows that arrive as text.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, FlowErrors, Result};
use crate::plan::{self, Fields, Plan};
use crate::registry::Registry;

/// A parsed flow that has not met its events yet.
///
/// ```
/// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
/// let mut registry = Registry::new();
/// registry.event("A", |_: &Context| Outcome::success(20_u32));
/// registry.event("B", |ctx: &Context| {
///     let a = ctx.previous().first().and_then(|a| a.value::<u32>());
///     Outcome::success(a.unwrap_or(&0) + 1)
/// });
/// let plan = Flow::parse("A |-> B")?.plan(&registry, &Fields::new())?;
/// let report = Engine::new().run_plan(&plan, Inputs::new())?;
/// assert_eq!(report.output::<u32>()?, &21);
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Flow {
    origin: String,
    source: Arc<str>,
    tree: nexus_pointy::Flow,
}

impl Flow {
    /// Parses a script.
    ///
    /// # Errors
    ///
    /// Every mistake of the script, with line and column.
    pub fn parse(script: impl AsRef<str>) -> Result<Self> {
        Self::parse_as("flow", script.as_ref()).map_err(Error::Flow)
    }

    /// Parses a script from a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no UTF-8, or has mistakes; all of them are listed.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |source: std::io::Error| Error::File {
            path: path.to_owned(),
            source: Arc::new(source),
        };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let script = String::from_utf8(bytes).map_err(|error| {
            unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })?;
        Self::parse_as(&path.display().to_string(), &script).map_err(Error::Flow)
    }

    pub(crate) fn parse_as(
        origin: &str,
        script: &str,
    ) -> std::result::Result<Self, Arc<FlowErrors>> {
        let source: Arc<str> = Arc::from(script);
        match nexus_pointy::parse(&source).into_result() {
            Ok(tree) => Ok(Self { origin: origin.to_owned(), source, tree }),
            Err(mistakes) => Err(Arc::new(FlowErrors::new(origin, source, mistakes))),
        }
    }

    /// Checks the flow against the events of `registry` and the input `fields`, and makes it ready
    /// to run.
    ///
    /// # Errors
    ///
    /// Every mistake, with line and column: unknown events, fields and settings, wrong types.
    pub fn plan(self, registry: &Registry, fields: &Fields) -> Result<Arc<Plan>> {
        self.compile(registry, fields).map(Arc::new).map_err(Error::Flow)
    }

    pub(crate) fn compile(
        self,
        registry: &Registry,
        fields: &Fields,
    ) -> std::result::Result<Plan, Arc<FlowErrors>> {
        let name = Path::new(&self.origin)
            .file_stem()
            .map_or_else(|| self.origin.clone(), |stem| stem.to_string_lossy().into_owned());
        plan::compile(&name, self.tree, registry, fields)
            .map_err(|mistakes| Arc::new(FlowErrors::new(&self.origin, self.source, mistakes)))
    }
}

impl std::fmt::Display for Flow {
    /// The flow in one line of Pointy.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tree.fmt(f)
    }
}
