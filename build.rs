//! Builds the server again when its pages were. An empty folder stands in for pages that were never built.

fn main() {
    // Without the folder the server is built all the same, only each time anew.
    let _ = std::fs::create_dir_all("web/dist");
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=build.rs");
}
