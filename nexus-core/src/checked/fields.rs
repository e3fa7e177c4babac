//! The check that an event's parameters are fields of the pipeline.

use nexus_pointy::binding_code as code;
use nexus_pointy::suggest::nearest_of;

use super::check::Check;
use super::text::{Text, has, position};
use crate::event::{ParamKind, ParamSpec, Spec};

/// A pipeline and its fields, as they are written.
pub struct PipelineFields {
    pub pipeline: &'static str,
    pub names: &'static [&'static str],
    pub types: &'static [&'static str],
}

impl Check {
    /// What most steps need to be asked, in one call: the first step of its event, without branches
    /// and without settings of the event's own.
    #[track_caller]
    pub const fn simple_step(at: &str, event: &Spec, fields: &PipelineFields, binds: &[bool]) {
        Self::fields(at, event, fields, binds);
        if !event.options.own.is_empty() {
            Self::own_fields(at, event, &[]);
        }
        if event.yields.goto.is_some() {
            Self::covers(at, event, &[]);
        }
    }

    /// Every parameter is a field of the pipeline, and has its type. `binds` says of each field
    /// whether the event takes it with its type.
    #[track_caller]
    pub const fn fields(at: &str, event: &Spec, fields: &PipelineFields, binds: &[bool]) {
        if !binds_all(event, fields, binds) {
            Self::unbound(at, event, fields, binds);
        }
    }

    /// Says which parameter is no field of the pipeline, or else which one has another type.
    #[track_caller]
    const fn unbound(at: &str, event: &Spec, fields: &PipelineFields, binds: &[bool]) {
        let mut wrong = None;
        let mut i = 0;
        while i < event.params.len() {
            let param = &event.params[i];
            if matches!(param.kind, ParamKind::Field) {
                match position(fields.names, param.name()) {
                    None => Self::missing_field(at, event, fields, param),
                    Some(field) if !binds[field] && wrong.is_none() => wrong = Some((param, field)),
                    Some(_) => {}
                }
            }
            i += 1;
        }
        if let Some((param, field)) = wrong {
            Self::wrong_field(at, event, fields, param, field);
        }
    }

    #[track_caller]
    const fn missing_field(
        at: &str,
        event: &Spec,
        fields: &PipelineFields,
        param: &ParamSpec,
    ) -> ! {
        let name = param.name();
        let text = Text::new()
            .add(at)
            .tick(event.name)
            .add(" needs a field `")
            .add(name)
            .add(": ")
            .add(field_type(param))
            .add("`, but ")
            .tick(fields.pipeline);
        if fields.names.is_empty() {
            text.add(" has no fields; add it to `struct ")
                .add(fields.pipeline)
                .add("`")
                .panic(code::UNBOUND)
        }
        let text = text.add(" has no such field; ");
        match nearest_of(name, fields.names) {
            Some(near) => text.add("did you mean ").tick(near).add("?").panic(code::UNBOUND),
            None => text.add("its fields are ").list(fields.names).panic(code::UNBOUND),
        }
    }

    #[track_caller]
    const fn wrong_field(
        at: &str,
        event: &Spec,
        fields: &PipelineFields,
        param: &ParamSpec,
        field: usize,
    ) -> ! {
        Text::new()
            .add(at)
            .tick(event.name)
            .add(" takes `")
            .add(param.name())
            .add(": ")
            .add(param.part.ty)
            .add("`")
            .borrowed_from(param.owned)
            .add(", but the field of ")
            .tick(fields.pipeline)
            .add(" is `")
            .add(param.name())
            .add(": ")
            .add(fields.types[field])
            .add("`; change one of the two")
            .panic(code::UNBOUND)
    }
}

/// Whether as many of the pipeline's fields fit as the event takes: a field that fits is a parameter of
/// that name. For most steps that is the whole check, and no name is compared, which takes the compiler
/// an instruction or more for each letter. A field that is called as a context or a state is looked
/// into.
const fn binds_all(event: &Spec, fields: &PipelineFields, binds: &[bool]) -> bool {
    let mut wanted = 0;
    let mut i = 0;
    while i < event.params.len() {
        let param = &event.params[i];
        if matches!(param.kind, ParamKind::Field) {
            wanted += 1;
        } else if has(fields.names, param.name()) {
            return false;
        }
        i += 1;
    }
    let mut fit = 0;
    let mut field = 0;
    while field < binds.len() {
        if binds[field] {
            fit += 1;
        }
        field += 1;
    }
    fit == wanted
}

/// The type of the field that a parameter takes, as one would write it.
const fn field_type(param: &ParamSpec) -> &'static str {
    match param.part.ty.as_bytes() {
        _ if !param.owned.is_empty() => param.owned,
        [b'&', ..] => param.part.ty.split_at(1).1,
        _ => param.part.ty,
    }
}

#[cfg(test)]
mod tests {
    use super::{PipelineFields, binds_all};
    use crate::event::{ParamKind, ParamSpec, Spec};
    use crate::wire::Transfer;

    /// A field `x: u8`, and a state that is called `db`.
    const EVENT: Spec = Spec {
        params: &[
            ParamSpec::field("x", "u8", "", Transfer::No),
            ParamSpec {
                kind: ParamKind::State,
                ..ParamSpec::field("db", "State<u8>", "", Transfer::No)
            },
        ],
        ..Spec::NO_EVENT
    };

    #[test]
    fn a_field_that_is_called_as_a_state_does_not_stand_for_one_that_is_missing() {
        let fields = |names| PipelineFields { pipeline: "P", names, types: &["State<u8>", "u8"] };
        assert!(binds_all(&EVENT, &fields(&["y", "x"]), &[false, true]));
        assert!(!binds_all(&EVENT, &fields(&["db", "y"]), &[true, false]));
        assert!(!binds_all(&EVENT, &fields(&["y"]), &[false]));
    }
}
