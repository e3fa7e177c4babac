const _: () = {
    #[allow(unused_imports)]
    use __n::fallbacks::*;
    use ::nexus::__private as __n;
    #[automatically_derived]
    impl __n::StructEvent for Scale {
        const NAME: &'static str = "Scale";
        const OWN_FIELDS: &'static [__n::OwnField] = &[
            __n::OwnField { name: "factor", kind: __n::FieldKind::<f64>::KIND, required: true },
            __n::OwnField { name: "times", kind: __n::FieldKind::<u32>::KIND, required: false },
        ];
        const PLACE: &'static str = ::core::concat!(::core::file!(), ":", ::core::line!());
        const DOC: &'static str = "";
        const REMOTE: bool = false;
        fn settings() -> __n::EventSettings {
            <__n::EventSettings as __n::Default>::default().stop_on_error(true)
        }
        fn make(__values: &__n::OwnValues<'_>) -> __n::Result<Self, __n::String> {
            let _ = __values;
            __n::Result::Ok(Self {
                factor: __n::needed((__n::FieldKind::<f64>::READ)(__values, "factor")?, "factor")?,
                times: match (__n::FieldKind::<u32>::READ)(__values, "times")? {
                    __n::Option::Some(given) => given,
                    __n::Option::None => 1,
                },
            })
        }
    }
    const _: bool = <<() as __n::Id>::Same<Scale> as __n::Process>::IS;
    const _: () = (__n::Check::settable)("f64", __n::FieldKind::<f64>::KIND);
};
struct Scale {
    factor: f64,
    #[field(default = 1)]
    times: u32,
}
#[cfg_attr(
    clippy,
    allow(
        clippy::needless_pass_by_value,
        clippy::ptr_arg,
        clippy::trivially_copy_pass_by_ref,
        reason = "the form of a parameter says how the event binds it"
    )
)]
impl Scale {
    fn process(&self, x: &f64) -> Outcome<f64> {
        Outcome::success(x * self.factor.powf(f64::from(self.times)))
    }
}
const _: () = {
    #[allow(unused_imports)]
    use __n::fallbacks::*;
    use ::nexus::__private as __n;
    type __R = Outcome<f64>;
    type __T = f64;
    type __P0 = f64;
    impl __n::HasParameter<__n::Name<12638214688346347271u64>, <__P0 as __n::Borrowed>::Owned>
        for Scale
    {
    }
    const __PARTS: __n::StructParts = __n::Struct::<Scale>::PARTS;
    #[automatically_derived]
    impl __n::Process for Scale {
        const CAN_BYPASS: bool = false;
        fn call(&self, __inputs: &__n::Inputs<'_>) -> __n::TaskOutcome {
            <__n::By<__n::Plain> as __n::Convert<__R, __T>>::convert(self.process(
                match <__n::Lent<__P0> as __n::Parameter>::read(&__inputs, 0usize) {
                    __n::Result::Ok(__given) => __given,
                    __n::Result::Err(__missing) => return __n::From::from(__missing),
                },
            ))
        }
        fn bypass(
            &self,
            __inputs: &__n::Inputs<'_>,
        ) -> __n::Result<__n::Bypass<__n::Value>, __n::Exception> {
            let _ = __inputs;
            __n::Result::Ok(__n::Bypass::no())
        }
    }
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __n::Event for Scale {
        type Output = <() as __n::Id>::Same<__T>;
        type Piped = __n::Nothing;
        const SPEC: &'static __n::Spec = &__n::Spec {
            name: __PARTS.name,
            doc: __PARTS.doc,
            params: &[__n::ParamSpec::field(
                "x",
                "&f64",
                "",
                <<__P0 as __n::Borrowed>::Owned as __n::PlainTransfer>::TRANSFER,
            )],
            output: __n::WirePart::output("f64", <__T as __n::PlainTransfer>::TRANSFER),
            yields: __n::Yields::plain::<__T>(),
            handle: __n::TypeInfo::of::<Scale>(),
            known: true,
            options: __PARTS.options,
            code: __n::Code::Fields(
                __PARTS.build,
                __n::Types::of::<__T, <Scale as __n::Event>::Piped>(&[
                    <__n::Lent<__P0> as __n::Parameter>::TYPE,
                ]),
            ),
            place: __PARTS.place,
        };
    }
    __n::submit!(__n, Scale);
    const _: () = {
        const __E: &__n::Spec = <Scale as __n::Event>::SPEC;
        const __is: bool = <<() as __n::Id>::Same<Scale> as __n::StructEvent>::REMOTE;
        (__n::Check::part_is_sendable)("", __E, __is, &__E.params[0usize].part);
        (__n::Check::part_is_sendable)("", __E, __is, &__E.output);
    };
};
