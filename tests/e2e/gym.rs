//! A server with its own folder, on a thread of its own, and accounts in it.

use fitconnect::auth::Claims;
use fitconnect::config::Config;
use fitconnect::serve::Server;
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::{Account as Stored, UserRow};
use fitconnect_domain::user::Stored as Person;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::http::Server as Address;
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex, ShowAs};
use fitconnect_protocol::{GymId, UserId, Uuid};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

pub const GYM: GymId = GymId(Uuid::from_u128(0x6777));

/// A gym whose server runs until it is dropped.
pub struct Gym {
    pub address: Address,
    pub members: Vec<Account>,
    pub trainer: Account,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
}

/// The profile that the golden values are computed with.
pub fn golden_profile() -> Profile {
    Profile {
        sex: Some(Sex::Male),
        born: Some("1986-01-01".into()),
        weight_kg: Some(80.0),
        hr_rest: Some(60),
        hr_max: Some(190.0),
        hr_max_source: Some(HrMaxSource::Measured),
        hr_max_approved: true,
        ftp_w: Some(250),
        zones_off: false,
    }
}

impl Gym {
    pub fn open(members: usize, clock_rate: u32) -> Gym {
        let folder = std::env::temp_dir().join(format!("fitconnect-e2e-{}", Uuid::now_v7()));
        Gym::open_in(folder, members, clock_rate)
    }

    pub fn open_in(folder: PathBuf, members: usize, clock_rate: u32) -> Gym {
        let (ready, opened) = mpsc::sync_channel(1);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let config = Config {
            data: folder.clone(),
            listen: "127.0.0.1:0".into(),
            clock_rate,
            workers: 1,
            arbiters: 1,
            drain_spread_ms: 0,
            shutdown_grace_ms: 1_000,
            ..Config::default()
        };
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::open(config).await.expect("a server");
                let accounts = seed(&server, members).await;
                let tell = move |addr| ready.send((addr, accounts)).expect("somebody waits");
                server.run(tell, async move { drop(stopped.await) }).await.expect("a clean end");
            });
        });
        let (addr, mut accounts) = opened.recv().expect("the server starts");
        let trainer = accounts.pop().expect("a trainer");
        let address = format!("http://{addr}").parse().expect("an address");
        Gym { address, members: accounts, trainer, stop: Some(stop), thread: Some(thread), folder }
    }

    /// Stops the server gracefully; the folder stays.
    pub fn close(mut self) -> PathBuf {
        self.end();
        std::mem::take(&mut self.folder)
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the server ends without a panic");
            }
        }
    }
}

impl Drop for Gym {
    fn drop(&mut self) {
        self.end();
        if !self.folder.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Members, then one trainer; the same in every life of a folder.
async fn seed(server: &Server, members: usize) -> Vec<Account> {
    let app = &server.app;
    app.state.add_gym(GYM, "Test gym".into()).await.expect("a gym");
    let mut accounts = Vec::new();
    for number in 0..=members {
        let role = if number == members { Role::Trainer } else { Role::Member };
        let stored = Stored {
            user: UserId(Uuid::from_u128(0x1000 + number as u128)),
            gym: GYM,
            email: format!("{number}@example.org"),
            name: format!("Rider {number}"),
            role,
            hall: None,
            password: String::new(),
        };
        let consent =
            Consent { show_on_board: ShowAs::Name, show_hr: true, share_with_trainer: true, ..Consent::default() };
        let person = Person::new(GYM, &stored.name, golden_profile(), consent);
        if app.state.account(stored.user).await.expect("a read").is_none() {
            let row = UserRow { snapshot: pack(&person) };
            app.state.add_accounts(vec![(stored.clone(), row)]).await.expect("an account");
        }
        let token = app.keys.mint(&Claims::of(&stored, app.clock.now(), 3_600));
        let account = Account { user: Some(stored.user), name: Some(stored.name), ..Account::with_token(token, role) };
        accounts.push(account);
    }
    accounts
}

/// Runs a client's side of a test.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(std::time::Duration::from_secs(120), future).await.expect("in two minutes")
    })
}
