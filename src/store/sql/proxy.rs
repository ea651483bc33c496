//! A man in the middle with CockroachDB's manners: it speaks the PostgreSQL wire, and by seed restarts transactions (40001) at statements
//! and at COMMIT, cuts the line before and after COMMIT, says that nobody knows (40003), and is slow. For tests.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::postgres::PgConnectOptions;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does to the innocent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    RestartAtStatement,
    CutAtStatement,
    Delay,
    RestartAtCommit,
    CutBeforeCommit,
    CutAfterCommit,
    UnknownAfterCommit,
}

pub const TRICKS: [Trick; 7] = [
    Trick::RestartAtStatement,
    Trick::CutAtStatement,
    Trick::Delay,
    Trick::RestartAtCommit,
    Trick::CutBeforeCommit,
    Trick::CutAfterCommit,
    Trick::UnknownAfterCommit,
];

/// How often each was played.
#[derive(Default)]
pub struct Played([AtomicU64; TRICKS.len()]);

impl Played {
    pub fn of(&self, trick: Trick) -> u64 {
        self.0[trick as usize].load(Ordering::Relaxed)
    }
}

pub struct Proxy {
    pub url: String,
    accepts: JoinHandle<()>,
}

impl Proxy {
    /// In front of the database with this address.
    pub async fn start(url: &str, seed: u64, played: Arc<Played>) -> Proxy {
        let options: PgConnectOptions = url.parse().expect("an address");
        let target = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let accepts = tokio::spawn(async move {
            for number in 0_u64.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
                let (target, played) = (target.clone(), played.clone());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        // It ends with an error where one of the two went away, or where we cut it.
                        let _ = Middle { client, server, rng, played, status: b'I' }.run().await;
                    }
                });
            }
        });
        let (head, tail) = url.split_once("://").expect("an address");
        let (address, rest) = tail.split_once('/').expect("a database");
        let user = address.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
        Proxy { url: format!("{head}://{user}127.0.0.1:{port}/{rest}"), accepts }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

struct Middle {
    client: TcpStream,
    server: TcpStream,
    rng: StdRng,
    played: Arc<Played>,
    /// As the server said last: `I` idle, `T` in a transaction, `E` in one that failed.
    status: u8,
}

/// The code in a client's question for TLS: 1234 and 5679.
const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// Type and body of a message.
type Message = (u8, Vec<u8>);

async fn read(from: &mut TcpStream) -> io::Result<Message> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await? as usize;
    let mut body = vec![0; length.saturating_sub(4)];
    from.read_exact(&mut body).await?;
    Ok((kind, body))
}

fn put(to: &mut Vec<u8>, (kind, body): &Message) {
    to.push(*kind);
    to.extend((body.len() as u32 + 4).to_be_bytes());
    to.extend(body);
}

fn cut() -> io::Error {
    io::Error::other("cut")
}

impl Middle {
    async fn run(mut self) -> io::Result<()> {
        self.begin().await?;
        loop {
            let group = self.group().await?;
            let ends = group.last().is_some_and(|(kind, _)| *kind == b'X');
            self.pass(&group).await?;
            if ends {
                return Ok(());
            }
        }
    }

    /// Startup and password, untouched, until the server is ready.
    async fn begin(&mut self) -> io::Result<()> {
        let (length, body) = loop {
            let length = self.client.read_u32().await?;
            let mut body = vec![0; length as usize - 4];
            self.client.read_exact(&mut body).await?;
            // Whoever asks for TLS is told that there is none here.
            if body != SSL_REQUEST {
                break (length, body);
            }
            self.client.write_all(b"N").await?;
        };
        self.server.write_u32(length).await?;
        self.server.write_all(&body).await?;
        loop {
            let message = read(&mut self.server).await?;
            let mut bytes = Vec::new();
            put(&mut bytes, &message);
            self.client.write_all(&bytes).await?;
            match message {
                (b'Z', body) => {
                    self.status = body[0];
                    return Ok(());
                }
                // The server asks for something: all but "ok" and the last word of SASL.
                (b'R', body) if !matches!(body.get(3), Some(0 | 12)) => {
                    let mut bytes = Vec::new();
                    put(&mut bytes, &read(&mut self.client).await?);
                    self.server.write_all(&bytes).await?;
                }
                _ => {}
            }
        }
    }

    /// What the client says until it waits for an answer.
    async fn group(&mut self) -> io::Result<Vec<Message>> {
        let mut group = Vec::new();
        loop {
            let message = read(&mut self.client).await?;
            let ends = matches!(message.0, b'S' | b'Q' | b'X');
            group.push(message);
            if ends {
                return Ok(group);
            }
        }
    }

    async fn pass(&mut self, group: &[Message]) -> io::Result<()> {
        let says = |word: &str| {
            group.iter().any(|(kind, body)| *kind == b'Q' && body.to_ascii_lowercase().starts_with(word.as_bytes()))
        };
        if says("commit") {
            return self.at_commit(group).await;
        }
        if group.iter().any(|(kind, _)| *kind == b'E') && self.status != b'E' {
            return self.at_statement(group).await;
        }
        self.forward(group, true).await
    }

    async fn at_statement(&mut self, group: &[Message]) -> io::Result<()> {
        match self.rng.random_range(0..1_000) {
            0..15 => {
                self.play(Trick::RestartAtStatement);
                let status = if self.status == b'T' { b'E' } else { b'I' };
                self.refuse("40001", "restart transaction: injected", status).await
            }
            15..22 => {
                self.play(Trick::CutAtStatement);
                Err(cut())
            }
            22..40 => {
                self.play(Trick::Delay);
                let ms = self.rng.random_range(1..8);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                self.forward(group, true).await
            }
            _ => self.forward(group, true).await,
        }
    }

    async fn at_commit(&mut self, group: &[Message]) -> io::Result<()> {
        match self.rng.random_range(0..1_000) {
            0..70 => {
                self.play(Trick::RestartAtCommit);
                let rollback = (b'Q', b"rollback\0".to_vec());
                self.forward(&[rollback], false).await?;
                self.refuse("40001", "restart transaction: injected at commit", b'I').await
            }
            70..110 => {
                self.play(Trick::CutBeforeCommit);
                Err(cut())
            }
            110..170 => {
                self.play(Trick::CutAfterCommit);
                self.forward(group, false).await?;
                Err(cut())
            }
            170..210 => {
                self.play(Trick::UnknownAfterCommit);
                self.forward(group, false).await?;
                self.refuse("40003", "statement completion unknown: injected", b'I').await
            }
            _ => self.forward(group, true).await,
        }
    }

    fn play(&self, trick: Trick) {
        self.played.0[trick as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Hands a group on and waits for its answer; the client hears it or not.
    async fn forward(&mut self, group: &[Message], heard: bool) -> io::Result<()> {
        let mut bytes = Vec::new();
        group.iter().for_each(|message| put(&mut bytes, message));
        self.server.write_all(&bytes).await?;
        if group.last().is_some_and(|(kind, _)| *kind == b'X') {
            return Ok(());
        }
        let mut answer = Vec::new();
        loop {
            let message = read(&mut self.server).await?;
            put(&mut answer, &message);
            if let (b'Z', body) = &message {
                self.status = body[0];
                break;
            }
        }
        if heard {
            self.client.write_all(&answer).await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, code: &str, words: &str, status: u8) -> io::Result<()> {
        let body = format!("SERROR\0VERROR\0C{code}\0M{words}\0\0");
        let mut bytes = Vec::new();
        put(&mut bytes, &(b'E', body.into_bytes()));
        put(&mut bytes, &(b'Z', vec![status]));
        self.client.write_all(&bytes).await
    }
}
