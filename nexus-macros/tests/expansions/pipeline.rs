#[allow(dead_code)]
const _: () = {
    #[allow(unused_imports)]
    use __n::fallbacks::*;
    use ::nexus::__private as __n;
    type __S1 = validate_order;
    type __S2 = reject_order;
    type __S3 = process_payment;
    type __S4 = send_confirmation;
    type __F1 = Order;
    type __F2 = String;
    type __N1 = __n::Name<7774916592154454519u64>;
    type __N2 = __n::Name<8477458519032517654u64>;
    const __FIELDS: &__n::PipelineFields = &__n::PipelineFields {
        pipeline: "OrderPipeline",
        names: &["order", "currency"],
        types: &["Order", "String"],
    };
    #[allow(non_upper_case_globals)]
    const step_1: () = {
        let __event: &__n::Spec = <<() as __n::Id>::Same<__S1> as __n::Event>::SPEC;
        (__n::Check::fields)(
            "",
            __event,
            __FIELDS,
            &[__n::Binds::<__F1, __S1, __N1>::IS, __n::Binds::<__F2, __S1, __N2>::IS],
        );
        (__n::Check::own_fields)("", __event, &[]);
        (__n::Check::covers)(
            "",
            __event,
            &[__n::DescriptorName::Number(0), __n::DescriptorName::Number(1)],
        );
        (__n::Check::no_pipe)("", __event, false, true);
    };
    #[allow(non_upper_case_globals)]
    const step_2: () = {
        let __event: &__n::Spec = <<() as __n::Id>::Same<__S2> as __n::Event>::SPEC;
        (__n::Check::simple_step)(
            "",
            __event,
            __FIELDS,
            &[__n::Binds::<__F1, __S2, __N1>::IS, __n::Binds::<__F2, __S2, __N2>::IS],
        );
        (__n::Check::pipe)(
            "",
            __event,
            false,
            &[],
            &[__n::Leaf::failed(__n::AcceptsProbe::<__n::Whole<__S2>, __n::Failed>::IS, "")],
        );
    };
    #[allow(non_upper_case_globals)]
    const step_3: () = {
        let __event: &__n::Spec = <<() as __n::Id>::Same<__S3> as __n::Event>::SPEC;
        (__n::Check::simple_step)(
            "",
            __event,
            __FIELDS,
            &[__n::Binds::<__F1, __S3, __N1>::IS, __n::Binds::<__F2, __S3, __N2>::IS],
        );
        (__n::Check::no_pipe)("", __event, false, false);
    };
    #[allow(non_upper_case_globals)]
    const step_4: () = {
        let __event: &__n::Spec = <<() as __n::Id>::Same<__S4> as __n::Event>::SPEC;
        (__n::Check::simple_step)(
            "",
            __event,
            __FIELDS,
            &[__n::Binds::<__F1, __S4, __N1>::IS, __n::Binds::<__F2, __S4, __N2>::IS],
        );
        (__n::Check::pipe_one)(
            "",
            __event,
            false,
            __n::Of::<__S3>::SPEC,
            __n::AcceptsProbe::<__n::Whole<__S4>, __n::One<__S3>>::IS,
        );
    };
    const _: () = <<() as __n::Id>::Same<__F1> as __n::FieldValue>::IS;
    const _: () = <<() as __n::Id>::Same<__F2> as __n::FieldValue>::IS;
    #[automatically_derived]
    impl __n::Pipeline for OrderPipeline {
        type BatchItem = ();
        const NAME: &'static str = "OrderPipeline";
        const DURABLE: bool = false;
        __n::when_read! { const DOC : & 'static str = "" ; const INPUT : & 'static [__n :: InputField] = & [__n :: InputField { name : "order" , ty : "Order" , doc : "" , default : __n :: Option :: None , read : __n :: FromJson :: < __F1 > :: FROM_JSON , } , __n :: InputField { name : "currency" , ty : "String" , doc : "" , default : __n :: Option :: None , read : __n :: FromJson :: < __F2 > :: FROM_JSON , }] ; }
        fn fields() -> __n::Fields {
            __n::Fields::new()
                .with_field::<__F1>("order", __n::Serialisable::<__F1>::VALUE)
                .with_field::<__F2>("currency", __n::Serialisable::<__F2>::VALUE)
        }
        fn into_values(self) -> __n::Vec<__n::Value> {
            ::std::vec![
                (__n::Holds::<__F1>::NEW)(self.order),
                (__n::Holds::<__F2>::NEW)(self.currency)
            ]
        }
        fn checked() -> &'static __n::CheckedFlow {
            static FLOW: __n::CheckedFlow = __n::CheckedFlow::new(
                "OrderPipeline",
                "validate_order (0 |-> reject_order, 1 -> process_payment |-> send_confirmation)",
                &[
                    ("validate_order", __n::Of::<__S1>::SPEC),
                    ("reject_order", __n::Of::<__S2>::SPEC),
                    ("process_payment", __n::Of::<__S3>::SPEC),
                    ("send_confirmation", __n::Of::<__S4>::SPEC),
                ],
                &[],
                &[],
            );
            &FLOW
        }
    }
};
