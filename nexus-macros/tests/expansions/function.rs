#[cfg_attr(
    clippy,
    allow(
        clippy::needless_pass_by_value,
        clippy::ptr_arg,
        clippy::trivially_copy_pass_by_ref,
        reason = "the form of a parameter says how the event binds it"
    )
)]
#[doc = r" Rejects an order that cannot be charged."]
fn validate_order(order: &Order) -> Outcome<()> {
    if order.items.is_empty() {
        return Outcome::failure("Order has no items");
    }
    Outcome::success(())
}
#[doc = "Rejects an order that cannot be charged.\n\nThe event [`fn@validate_order`], for flows and reports."]
#[allow(non_camel_case_types, missing_debug_implementations, missing_copy_implementations)]
struct validate_order {}
const _: () = {
    #[allow(unused_imports)]
    use __n::fallbacks::*;
    use ::nexus::__private as __n;
    type __R = Outcome<()>;
    type __T = ();
    type __P0 = Order;
    impl __n::HasParameter<__n::Name<7774916592154454519u64>, <__P0 as __n::Borrowed>::Owned>
        for validate_order
    {
    }
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __n::Event for validate_order {
        type Output = <() as __n::Id>::Same<__T>;
        type Piped = __n::Nothing;
        const SPEC: &'static __n::Spec = &__n::Spec {
            name: "validate_order",
            doc: "Rejects an order that cannot be charged.",
            params: &[__n::ParamSpec::lent(
                "order",
                "&Order",
                "",
                __n::ContextOf::<__P0>::IS,
                __n::Serialisable::<<__P0 as __n::Borrowed>::Owned>::VALUE,
            )],
            output: __n::WirePart::output("()", <__T as __n::PlainTransfer>::TRANSFER),
            yields: __n::Yields::plain::<__T>(),
            handle: __n::TypeInfo::of::<validate_order>(),
            known: true,
            options: &__n::Options::NONE,
            code: __n::Code::Function(&__n::Signature::<
                (__n::Lent<__P0>,),
                __R,
                __T,
                __n::By<__n::Plain>,
                __n::Nothing,
            >::of(validate_order)),
            place: ::core::concat!(::core::file!(), ":", ::core::line!()),
        };
    }
    __n::submit!(__n, validate_order);
};
