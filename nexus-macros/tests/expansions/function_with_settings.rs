#[cfg_attr(
    clippy,
    allow(
        clippy::needless_pass_by_value,
        clippy::ptr_arg,
        clippy::trivially_copy_pass_by_ref,
        reason = "the form of a parameter says how the event binds it"
    )
)]
fn process_payment(order: &Order, ctx: &Context) -> Result<u64, GatewayError> {
    if ctx.attempt() < 3 { Err(GatewayError) } else { Ok(order.total) }
}
#[doc = "The event [`fn@process_payment`], for flows and reports."]
#[allow(non_camel_case_types, missing_debug_implementations, missing_copy_implementations)]
struct process_payment {}
const _: () = {
    #[allow(unused_imports)]
    use __n::fallbacks::*;
    use ::nexus::__private as __n;
    type __R = Result<u64, GatewayError>;
    type __T = u64;
    type __P0 = Order;
    type __P1 = Context;
    const __X: __n::NamedExecutor =
        __n::NamedExecutor::of(&|| ThreadPoolExecutor::asked_of().answer());
    const _: () =
        (__n::Check::executor)("", __n::Of::<process_payment>::SPEC, "ThreadPoolExecutor", __X);
    impl __n::HasParameter<__n::Name<7774916592154454519u64>, <__P0 as __n::Borrowed>::Owned>
        for process_payment
    {
    }
    impl __n::HasParameter<__n::Name<17705617269083559742u64>, <__P1 as __n::Borrowed>::Owned>
        for process_payment
    {
    }
    const _: () = (__n::Check::returns)(
        "Result<u64, GatewayError>",
        __n::Returns::<__R, __n::Plain, __T>::IS,
    );
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __n::Event for process_payment {
        type Output = <() as __n::Id>::Same<__T>;
        type Piped = __n::Nothing;
        const SPEC: &'static __n::Spec = &__n::Spec {
            name: "process_payment",
            doc: "",
            params: &[
                __n::ParamSpec::lent(
                    "order",
                    "&Order",
                    "",
                    __n::ContextOf::<__P0>::IS,
                    __n::Serialisable::<<__P0 as __n::Borrowed>::Owned>::VALUE,
                ),
                __n::ParamSpec::lent(
                    "ctx",
                    "&Context",
                    "",
                    __n::ContextOf::<__P1>::IS,
                    __n::Serialisable::<<__P1 as __n::Borrowed>::Owned>::VALUE,
                ),
            ],
            output: __n::WirePart::output("u64", <__T as __n::PlainTransfer>::TRANSFER),
            yields: __n::Yields::plain::<__T>(),
            handle: __n::TypeInfo::of::<process_payment>(),
            known: true,
            options: &__n::Options {
                settings: __n::Option::Some(|| {
                    < __n :: EventSettings as __n :: Default > :: default () . executor_kind (__X . kind) . executor_config (__n :: ExecutorInitializerConfig :: new () . max_workers (4) . thread_name_prefix ("payment-")) . retry_policy (__n :: RetryPolicy :: builder () . max_attempts (3) . backoff_factor (0.01f64) . retry_on_type (< < () as __n :: Id > :: Same < GatewayError > as __n :: RetriedError > :: TYPE) . build ())
                }),
                ..__n::Options::NONE
            },
            code: __n::Code::Function(&__n::Signature::<
                (__n::Lent<__P0>, __n::Lent<__P1>),
                __R,
                __T,
                __n::By<
                    __n::Plain,
                    {
                        __n::returned(
                            __n::Returns::<__R, __n::Plain, __T>::IS,
                            __n::HasError::<__R>::IS,
                            __n::IsDynamic::<__R>::IS,
                        )
                    },
                >,
                __n::Nothing,
            >::of(process_payment)),
            place: ::core::concat!(::core::file!(), ":", ::core::line!()),
        };
    }
    __n::submit!(__n, process_payment);
    const _: () = {
        const __E: &__n::Spec = <process_payment as __n::Event>::SPEC;
        const __is: bool = __X.runs_remote();
        (__n::Check::part_is_sendable)("", __E, __is, &__E.params[0usize].part);
        (__n::Check::part_is_sendable)("", __E, __is, &__E.params[1usize].part);
        (__n::Check::part_is_sendable)("", __E, __is, &__E.output);
    };
};
