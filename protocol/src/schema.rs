//! What clients in other languages are generated from these types: TypeScript types, layout constants, the AsyncAPI document, the
//! handbook. Texts only; `cargo xtask types` writes them into the tree and checks that they have not drifted.

mod asyncapi;
mod handbook;
mod layout;
mod typescript;

/// Every generated file: its path in the repository and its text.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("web/src/proto/protocol.ts", typescript::types()),
        ("web/src/proto/layout.ts", layout::constants()),
        ("docs/asyncapi.json", asyncapi::document()),
        ("docs/protocol.md", handbook::text()),
    ]
}
