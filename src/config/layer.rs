//! One source of values under another: the environment, the command line.

use super::ENV;
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};
use std::path::PathBuf;

/// Variables with our prefix that are not options of the server: clients and tests read them.
const OTHERS: [&str; 2] = ["URL", "TOKEN"];
const TESTS: &str = "TEST_";

pub struct Layer {
    name: &'static str,
    values: Dict,
    label: fn(&str) -> String,
}

impl Layer {
    pub fn new(name: &'static str, values: Dict, label: fn(&str) -> String) -> Layer {
        Layer { name, values, label }
    }
    /// Where an unknown key stands, for a sentence.
    pub fn place(&self) -> &'static str {
        self.name
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let label = self.label;
        Metadata::named(self.name).interpolater(move |_, keys| label(&keys.join(".")))
    }
    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Options from the environment, and the configuration file that it names.
pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> (Layer, Option<PathBuf>) {
    let mut file = None;
    let mut values = Dict::new();
    for (name, text) in variables {
        let Some(name) = name.strip_prefix(ENV) else { continue };
        if name == "CONFIG" {
            file = Some(PathBuf::from(text));
        } else if !OTHERS.contains(&name) && !name.starts_with(TESTS) {
            let value: Value = text.trim().parse().unwrap_or_else(|never| match never {});
            values.insert(name.to_lowercase(), value);
        }
    }
    (Layer::new("in the environment", values, |key| format!("{ENV}{}", key.to_uppercase())), file)
}
