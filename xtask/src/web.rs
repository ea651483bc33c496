//! `cargo xtask web`: the pages, built into web/dist, from where the server embeds them.

use crate::{Result, node, repo, run};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    /// Build even where nothing has changed
    #[arg(long)]
    force: bool,
}

/// What came of it: the pages are fresh, or why they are not.
pub enum Pages {
    Built,
    Fresh,
    /// In words, with how to get what is missing. The server starts all the same and its pages say the same.
    Missing(String),
}

pub fn run(options: &Options) -> Result<bool> {
    match build(options.force)? {
        Pages::Built => println!("web/dist is built."),
        Pages::Fresh => println!("web/dist is newer than its sources; --force builds it all the same."),
        Pages::Missing(why) => return Err(why.into()),
    }
    Ok(true)
}

/// Builds where the sources are newer than what was built.
pub fn build(force: bool) -> Result<Pages> {
    let web = repo::root().join("web");
    if !force && fresh(&web) {
        return Ok(Pages::Fresh);
    }
    if let Some(why) = node::missing() {
        return Ok(Pages::Missing(why));
    }
    node::install(&web)?;
    run::must("npm run build in web", node::npm(&web).args(["run", "build"]))?;
    Ok(Pages::Built)
}

fn fresh(web: &PathBuf) -> bool {
    let built = repo::newest(&[web.join("dist")], &[]);
    built.is_some() && built >= repo::newest(std::slice::from_ref(web), &["dist", "node_modules", "e2e", "tests"])
}
