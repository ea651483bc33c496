//! One id from the socket to the store.

use crate::class::plan;
use crate::gym::{Gym, run};
use fitconnect_loadtest::trainer::{Trainer, class_now};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::util::SubscriberInitExt as _;

/// What the whole process logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics here").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_command_is_followed_from_the_socket_to_its_commit() {
    let (lines, filter) = (Lines::default(), fitconnect::telemetry::filter("fitconnect=debug,fitconnect_actors=debug"));
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_env_filter(filter.expect("a filter"));
    log.with_writer(move || writer.clone()).finish().try_init().expect("nobody else logs in this process");
    let gym = Gym::open(1, 1);
    run(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address, &gym.trainer).await.expect("a trainer");
        let class = trainer.create(&class_now(&trainer.client, "Test", 10, plan(300))).await.expect("a class");
        trainer.lobby(class).await.expect("a lobby");
    });
    drop(gym.close());
    let text = String::from_utf8(lines.0.lock().expect("all is over").clone()).expect("text");
    for way in ["http{trace=", "socket{trace="] {
        let came = |line: &&str| line.contains(way) && line.contains("a command came in");
        let first = text.lines().find(came).unwrap_or_else(|| panic!("nothing came by {way}:\n{text}"));
        let (_, cmd) = first.rsplit_once("cmd=").expect("its id");
        let of_it: Vec<&str> = text.lines().filter(|line| line.contains(&format!("cmd={cmd}"))).collect();
        for words in ["a command is decided", "a command was committed"] {
            assert!(of_it.iter().any(|line| line.contains(words)), "{words}: {of_it:#?}");
        }
    }
}
