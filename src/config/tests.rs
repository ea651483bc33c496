//! Where values come from, and what is said of wrong ones.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Loads a file with this text under variables and flags.
fn check(toml: &str, variables: &[(&str, &str)], mut flags: Flags) -> Result<Loaded, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("fitconnect-config-{}-{}.toml", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, toml).expect("a temporary file");
    flags.config = Some(path.clone());
    let variables = variables.iter().map(|(name, text)| (format!("FITCONNECT_{name}"), (*text).to_owned()));
    let loaded =
        load(&flags, variables).map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"));
    std::fs::remove_file(&path).expect("ours");
    loaded.map(|mut loaded| {
        for origin in &mut loaded.origins {
            origin.from = origin.from.replace(&path.display().to_string(), "FILE");
        }
        loaded
    })
}

fn ok(toml: &str, variables: &[(&str, &str)], flags: Flags) -> Loaded {
    check(toml, variables, flags).expect("it can be used")
}

fn wrong(toml: &str, variables: &[(&str, &str)]) -> String {
    check(toml, variables, Flags::default()).expect_err("it cannot be used")
}

#[test]
fn nothing_given_is_the_default_and_says_so() {
    let loaded = ok("", &[], Flags::default());
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.origins.len(), keys().len());
    for origin in loaded.origins {
        assert_eq!(origin.from, "default", "{}", origin.key);
    }
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let toml = "clock_rate = 2\nworkers = 3\nlog = \"warn\"\norigins = [\"https://a.example\", \"https://b.example\"]";
    let flags = Flags { clock_rate: Some(20), data: Some("/srv/gym".into()), ..Flags::default() };
    let loaded = ok(toml, &[("CLOCK_RATE", "4"), ("WORKERS", "5")], flags);
    let config = &loaded.config;
    assert_eq!((config.clock_rate, config.workers, config.log.as_str()), (20, 5, "warn"));
    assert_eq!(config.origins, ["https://a.example", "https://b.example"]);
    let from = |key: &str| loaded.origins.iter().find(|origin| origin.key == key).expect(key).from.clone();
    assert_eq!(from("clock_rate"), "--clock-rate");
    assert_eq!(from("data"), "--data");
    assert_eq!(from("workers"), "FITCONNECT_WORKERS");
    assert_eq!(from("log"), "FILE");
    assert_eq!(from("listen"), "default");
}

#[test]
fn variables_are_read_as_people_write_them() {
    let variables = [
        ("LISTEN", "0.0.0.0:80"),
        ("DEMO", "1"),
        ("ORIGINS", "https://a.example, http://b.example:5173"),
        ("PROXIES", "10.0.0.1,fd00::1"),
        ("LOG", "info,fitconnect=debug"),
        ("LOG_FORMAT", "json"),
        ("DATA", "/srv/gym"),
        ("URL", "http://not.an.option"),
        ("TOKEN", "x"),
        ("TEST_POSTGRES", "x"),
    ];
    let config = ok("", &variables, Flags::default()).config;
    assert_eq!(config.listen, "0.0.0.0:80");
    assert!(config.demo);
    assert_eq!(config.origins, ["https://a.example", "http://b.example:5173"]);
    assert_eq!(config.proxies, ["10.0.0.1".parse::<IpAddr>().expect("4"), "fd00::1".parse().expect("6")]);
    assert_eq!((config.log.as_str(), config.log_format), ("info,fitconnect=debug", LogFormat::Json));
    assert_eq!(config.data, PathBuf::from("/srv/gym"));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    assert_eq!(wrong("clockrate = 2", &[]), "unknown key clockrate in FILE: did you mean clock_rate?");
    assert_eq!(wrong("", &[("LISTN", "x")]), "unknown key listn in the environment: did you mean listen?");
    let far = wrong("[database]\nurl = \"x\"", &[]);
    assert!(far.starts_with("unknown key database in FILE; the keys are ack, arbiters, clock_rate, "), "{far}");
    assert_eq!(wrong("lsiten = 1\nworker = 2", &[]).lines().count(), 2, "all of them at once");
}

#[test]
fn a_value_that_cannot_be_used_is_named_with_its_place() {
    for (toml, variables, words) in [
        ("clock_rate = 21", &[][..], "clock_rate is 21, it must be 1 to 20"),
        ("token_life_s = 59", &[], "token_life_s is 59, it must be 60 to 604800 seconds"),
        ("clock_rate = \"fast\"", &[], "clock_rate: invalid type: found string \"fast\", expected u32 (FILE)"),
        ("listen = \"localhost\"", &[], "listen is \"localhost\", it must be host:port"),
        ("", &[("LISTEN", "8080")], "(FITCONNECT_LISTEN)"),
        ("", &[("ACK", "all")], "ack: \"all\" is none of local, quorum (FITCONNECT_ACK)"),
        ("", &[("ACK", "quorum")], "ack is \"quorum\", which needs events = cassandra://"),
        ("events = \"redis://x\"", &[], "events are kept in `sqlite`"),
        ("", &[("PROXIES", "ten")], "proxies: \"ten\": invalid IP address syntax (FITCONNECT_PROXIES)"),
        ("origins = [\"app.example\"]", &[], "origins has \"app.example\""),
        ("log = \"loud=very\"", &[], "log is \"loud=very\""),
        ("listen = ", &[], "FILE"),
    ] {
        let said = wrong(toml, variables);
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let flags = Flags { config: Some("/nowhere/fitconnect.toml".into()), ..Flags::default() };
    let said = load(&flags, []).expect_err("not there").to_string();
    assert_eq!(said, "there is no configuration file /nowhere/fitconnect.toml");
}

#[test]
fn every_option_has_a_flag_and_a_line_in_the_handbook() {
    let command = <Flags as clap::Args>::augment_args(clap::Command::new("serve"));
    let handbook = include_str!("../../docs/operations.md");
    for key in keys() {
        let flag = key.replace('_', "-");
        let argument =
            command.get_arguments().find(|each| each.get_long() == Some(&flag)).unwrap_or_else(|| panic!("--{flag}"));
        let help = argument.get_help().expect("a sentence").to_string();
        assert!(help.contains("[default: "), "--{flag} does not say its default: {help}");
        assert!(handbook.contains(&format!("| `{key}` |")), "docs/operations.md lacks {key}");
    }
}
