//! What the macros write, for people to read: a change of an expansion shows as one. After one that
//! was meant, `EXPANSIONS=overwrite cargo test -p nexus-macros --lib expansion` writes the files anew.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

/// Compares an expansion with the file of this name.
fn is_as_before(name: &str, expansion: &TokenStream) {
    let formatted = crate::debug::formatted(expansion).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions").join(name);
    if std::env::var_os("EXPANSIONS").is_some_and(|wanted| wanted == "overwrite") {
        std::fs::write(&file, &formatted).unwrap();
    }
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(formatted == before, "{} is not what it was:\n{formatted}", file.display());
}

#[test]
fn expansion_of_a_function() {
    let item = quote! {
        /// Rejects an order that cannot be charged.
        fn validate_order(order: &Order) -> Outcome<()> {
            if order.items.is_empty() {
                return Outcome::failure("Order has no items");
            }
            Outcome::success(())
        }
    };
    is_as_before("function.rs", &crate::attribute::event(TokenStream::new(), &item));
}

#[test]
fn expansion_of_a_function_with_settings() {
    let settings = quote! {
        executor = ThreadPoolExecutor,
        executor_config = { max_workers: 4, thread_name_prefix: "payment-" },
        retry_policy = { max_attempts: 3, backoff_factor: 0.01, retry_on_exceptions: [GatewayError] },
    };
    let item = quote! {
        fn process_payment(order: &Order, ctx: &Context) -> Result<u64, GatewayError> {
            if ctx.attempt() < 3 { Err(GatewayError) } else { Ok(order.total) }
        }
    };
    is_as_before("function_with_settings.rs", &crate::attribute::event(settings, &item));
}

#[test]
fn expansion_of_a_struct() {
    let fields = quote! {
        struct Scale {
            factor: f64,
            #[field(default = 1)]
            times: u32,
        }
    };
    let mut expansion = crate::attribute::event(quote!(stop_on_error), &fields);
    let block = quote! {
        impl Scale {
            fn process(&self, x: &f64) -> Outcome<f64> {
                Outcome::success(x * self.factor.powf(f64::from(self.times)))
            }
        }
    };
    expansion.extend(crate::attribute::event(TokenStream::new(), &block));
    is_as_before("struct.rs", &expansion);
}

#[test]
fn expansion_of_a_pipeline() {
    let item = quote! {
        #[pipeline(flow = validate_order (0 |-> reject_order, 1 -> process_payment |-> send_confirmation))]
        struct OrderPipeline {
            order: Order,
            currency: String,
        }
    };
    is_as_before("pipeline.rs", &crate::pipeline::derive(item));
}
