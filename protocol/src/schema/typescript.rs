//! Every type of the wire as TypeScript, in one module. A UUID is the `Uint8Array` that MessagePack makes of it,
//! a whole number is `number`: none of ours passes 2^53.

use crate::class::{ClassSummary, Film, NewClass};
use crate::report::OnWords;
use crate::session::{Request, Response};
use std::collections::BTreeMap;
use ts_rs::{Config, TS, TypeVisitor};

const HEAD: &str = "// Generated from protocol/src by `cargo xtask types`: change the Rust types, not this file.\n";

/// Requests, responses, what goes over HTTP besides, and all that they are made of, by name.
pub fn types() -> String {
    let mut all = Declared { config: Config::new().with_large_int("number"), by_name: BTreeMap::new() };
    all.visit::<Request>();
    all.visit::<Response>();
    // Over HTTP only.
    all.visit::<NewClass>();
    all.visit::<ClassSummary>();
    all.visit::<Film>();
    all.visit::<OnWords>();
    let mut out = String::from(HEAD);
    for line in all.by_name.values().flat_map(|text| ["", text.as_str()]).flat_map(|text| text.split('\n')) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

struct Declared {
    config: Config,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declared {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || self.by_name.contains_key(&T::ident(&self.config)) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let text = format!("{docs}export {}", T::decl(&self.config));
        let text = text.replace("[`crate::", "`").replace("`]", "`");
        self.by_name.insert(T::ident(&self.config), text);
        T::visit_dependencies(self);
    }
}
