//! Dependencies run one way: `protocol <- domain <- actors <- src`, `protocol <- loadtest`; `recording` serves the shell, the load
//! generator, tests and this tool. The manifests are read, and any other arrow is named.

use crate::{Result, repo};
use std::process::Command;

/// Which crates of ours a crate may use, and which more in its tests.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("fitconnect-protocol", &[], &[]),
    ("fitconnect-recording", &[], &[]),
    ("fitconnect-domain", &["fitconnect-protocol"], &["fitconnect-recording"]),
    ("fitconnect-actors", &["fitconnect-protocol", "fitconnect-domain"], &["fitconnect-recording"]),
    (
        "fitconnect",
        &["fitconnect-protocol", "fitconnect-domain", "fitconnect-actors", "fitconnect-recording"],
        &["fitconnect-loadtest"],
    ),
    ("fitconnect-loadtest", &["fitconnect-protocol", "fitconnect-recording"], &[]),
    ("xtask", &["fitconnect-protocol", "fitconnect-recording", "fitconnect-loadtest"], &[]),
];

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(serde::Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or none.
    kind: Option<String>,
}

/// Every arrow that should not be, in words.
pub fn wrong() -> Result<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    judge(&String::from_utf8(output.stdout)?)
}

fn judge(metadata: &str) -> Result<Vec<String>> {
    let metadata: Metadata = serde_json::from_str(metadata)?;
    Ok(metadata.packages.iter().flat_map(judge_one).collect())
}

fn judge_one(package: &Package) -> Vec<String> {
    let Some((name, uses, tests)) = ALLOWED.iter().find(|(name, ..)| *name == package.name) else {
        return vec![format!("{} is not on the map of crates", package.name)];
    };
    let ours = |dep: &&Dependency| ALLOWED.iter().any(|(name, ..)| *name == dep.name);
    let allowed = |dep: &Dependency| {
        let in_tests = dep.kind.as_deref() == Some("dev") && tests.contains(&dep.name.as_str());
        in_tests || uses.contains(&dep.name.as_str())
    };
    let wrong = package.dependencies.iter().filter(ours).filter(|dep| !allowed(dep));
    wrong
        .map(|dep| format!("{name} -> {}{}", dep.name, if dep.kind.is_some() { " (in its tests)" } else { "" }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &str, uses: &[(&str, Option<&str>)], wrong: &[&str]) {
        let uses: Vec<_> = uses.iter().map(|(name, kind)| serde_json::json!({ "name": name, "kind": kind })).collect();
        let metadata = serde_json::json!({ "packages": [{ "name": package, "dependencies": uses }] });
        assert_eq!(judge(&metadata.to_string()).expect("metadata"), wrong);
    }

    #[test]
    fn no_arrow_points_the_wrong_way() {
        assert_eq!(wrong().expect("manifests can be read"), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_arrow_is_named() {
        check("fitconnect-domain", &[("fitconnect-protocol", None), ("serde", None)], &[]);
        check("fitconnect-domain", &[("fitconnect-recording", Some("dev"))], &[]);
        check("fitconnect-domain", &[("fitconnect-recording", None)], &["fitconnect-domain -> fitconnect-recording"]);
        check("fitconnect-protocol", &[("fitconnect-domain", None)], &["fitconnect-protocol -> fitconnect-domain"]);
        let word = "fitconnect-loadtest -> fitconnect-actors (in its tests)";
        check("fitconnect-loadtest", &[("fitconnect-actors", Some("dev"))], &[word]);
        check("stranger", &[], &["stranger is not on the map of crates"]);
    }
}
