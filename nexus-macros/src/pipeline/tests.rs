use quote::quote;

fn expanded(tokens: proc_macro2::TokenStream) -> String {
    super::derive(tokens).to_string()
}

#[test]
fn a_half_typed_flow_keeps_the_names_it_has() {
    let output = expanded(quote! {
        #[pipeline(flow = first |->)]
        struct P { order: Order }
    });
    assert_eq!(output.matches("type __S1 = first ;").count(), 1, "{output}");
    assert!(output.contains("expected an event after `|->`"), "{output}");
    // What an editor expands while a name is typed there is the same up to that name.
    let completed = expanded(quote! {
        #[pipeline(flow = first |-> second)]
        struct P { order: Order }
    });
    let hole = output.find("__Hole").expect("a place for the missing event");
    assert_eq!(completed.find("second"), Some(hole), "{output}");
    assert!(output.contains(":: Pipeline for P"), "{output}");
}

#[test]
fn a_half_typed_path_keeps_a_place_for_its_last_part() {
    let output = expanded(quote! {
        #[pipeline(flow = first -> steps:: -> last)]
        struct P;
    });
    assert!(output.contains("type __S2 = steps :: __Hole ;"), "{output}");
    assert!(output.contains("type __S3 = last ;"), "{output}");
}

#[test]
fn every_path_is_written_once() {
    let output = expanded(quote! {
        #[pipeline(flow = one -> other::two (0 -> three))]
        struct P;
    });
    for path in ["= one ;", "= other :: two ;", "= three ;"] {
        assert_eq!(output.matches(path).count(), 1, "{path} in {output}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let output = expanded(quote! {
        #[pipeline(flow = a -> -> b[max_attempts = 0], colour = 1, flow = c)]
        struct P;
    });
    for message in [
        "expected an event after `->`",
        "0 attempts",
        "unknown setting `colour`",
        "`flow` is given twice",
    ] {
        assert!(output.contains(message), "{message} in {output}");
    }
}
