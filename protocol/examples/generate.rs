//! Prints every generated file as one JSON object, path to text. `cargo xtask types` calls this.

fn main() {
    let files: std::collections::BTreeMap<_, _> = fitconnect_protocol::schema::files().into_iter().collect();
    println!("{}", serde_json::to_string(&files).expect("texts"));
}
