//! Keys and tokens by what can go wrong with them.

use super::*;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, UserId, Uuid};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

const NOW: Millis = Millis(1_795_459_200_000);

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Folder(std::env::temp_dir().join(format!("fitconnect-keys-{}-{number}", std::process::id())))
    }
    fn open(&self, now: Millis) -> Keys {
        Keys::open(&self.0, now).expect("a folder of good keys")
    }
    fn only_file(&self) -> PathBuf {
        let mut files = pem_files(&self.0).expect("a folder");
        assert_eq!(files.len(), 1);
        files.remove(0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn claims() -> Claims {
    let iat = NOW.0 / 1_000;
    Claims {
        user: UserId(Uuid::from_u128(1)),
        gym: GymId(Uuid::from_u128(2)),
        role: Role::Screen,
        name: "Экран".into(),
        hall: Some("Hall 1".into()),
        iat,
        exp: iat + 3_600,
        jti: Uuid::from_u128(3),
    }
}

#[test]
fn a_token_says_what_it_was_made_with_also_after_a_restart() {
    let folder = Folder::new();
    let token = folder.open(NOW).mint(&claims());
    assert_eq!(folder.open(NOW.plus(5_000)).verify(&token, NOW), Ok(claims()));
    assert!(token.len() < TOKEN_BYTES_MAX / 2, "{}", token.len());
}

#[test]
fn a_first_key_is_made_for_its_owner_alone() {
    let folder = Folder::new();
    folder.open(NOW);
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    assert_eq!(mode(&folder.only_file()), 0o600);
    assert_eq!(folder.only_file().file_name().and_then(|name| name.to_str()), Some("1795459200.pem"));
}

#[test]
fn no_two_servers_have_the_same_key() {
    let (one, other) = (Folder::new(), Folder::new());
    let token = one.open(NOW).mint(&claims());
    assert_eq!(other.open(NOW).verify(&token, NOW), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_way_to_mend_it() {
    for mode in [0o640, 0o604, 0o644, 0o666] {
        let folder = Folder::new();
        folder.open(NOW);
        let path = folder.only_file();
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
        let error = Keys::open(&folder.0, NOW).err().expect("exposed").to_string();
        assert!(error.contains(&format!("mode {mode:04o}")) && error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_damaged_key_is_named() {
    let folder = Folder::new();
    folder.open(NOW);
    let path = folder.only_file();
    for text in [&b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"[..], b"", b"\xff\xfe"] {
        fs::write(&path, text).expect("ours");
        let error = Keys::open(&folder.0, NOW).err().expect("damaged");
        assert!(matches!(&error, KeysError::Damaged { path: named } if *named == path), "{error}");
    }
}

#[test]
fn a_new_key_signs_and_the_old_one_is_believed_until_it_is_deleted() {
    let folder = Folder::new();
    let old = folder.open(NOW);
    let before = old.mint(&claims());
    let first = folder.only_file();
    make(&folder.0, NOW.plus(60_000)).expect("a second key");

    let both = folder.open(NOW);
    assert_ne!(both.kid(), old.kid());
    let after = both.mint(&claims());
    assert_eq!(both.verify(&before, NOW), Ok(claims()));
    assert_eq!(both.verify(&after, NOW), Ok(claims()));
    assert_eq!(old.verify(&after, NOW), Err(TokenError::UnknownKey));

    fs::remove_file(first).expect("ours");
    assert_eq!(folder.open(NOW).verify(&before, NOW), Err(TokenError::UnknownKey));
}

#[test]
fn time_decides_by_the_servers_clock() {
    let folder = Folder::new();
    let keys = folder.open(NOW);
    let token = keys.mint(&claims());
    let check = |at: u64| keys.verify(&token, Millis(at)).map(|_| ());
    assert_eq!(check(NOW.0 + 3_599_999), Ok(()));
    assert_eq!(check(NOW.0 + 3_600_000), Err(TokenError::Expired));
    assert_eq!(check(NOW.0 - 60_000), Ok(()), "another node may be a minute ahead");
    assert_eq!(check(NOW.0 - 60_001), Err(TokenError::NotYetValid));
}

/// A token of our key with another header.
fn with_header(keys: &Keys, header: &Header) -> String {
    jsonwebtoken::encode(header, &claims(), &keys.signing().encoding).expect("EdDSA")
}

#[test]
fn a_forged_token_is_refused_whatever_was_changed() {
    let folder = Folder::new();
    let keys = folder.open(NOW);
    let token = keys.mint(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let admin = keys.mint(&Claims { role: Role::Admin, ..claims() });
    let admin: Vec<&str> = admin.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], admin[1], parts[2]);
    assert_eq!(keys.verify(&forged, NOW), Err(TokenError::Forged));

    let symmetric = Header { kid: Some(keys.kid().into()), ..Header::new(Algorithm::HS256) };
    let secret = EncodingKey::from_secret(keys.signing().decoding.try_get_as_bytes().expect("bytes"));
    let confused = jsonwebtoken::encode(&symmetric, &claims(), &secret).expect("HS256");
    assert_eq!(keys.verify(&confused, NOW), Err(TokenError::WrongAlgorithm), "the public key as an HMAC secret");

    // {"alg":"none","kid":"x"}
    let none = format!("eyJhbGciOiJub25lIiwia2lkIjoieCJ9.{}.", parts[1]);
    assert_eq!(keys.verify(&none, NOW), Err(TokenError::WrongAlgorithm));

    assert_eq!(keys.verify(&with_header(&keys, &Header::new(Algorithm::EdDSA)), NOW), Err(TokenError::UnknownKey));
}

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let folder = Folder::new();
    let keys = folder.open(NOW);
    let token = keys.mint(&claims());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(keys.verify(&changed, NOW).is_err(), "byte {at}: {changed}");
        assert!(keys.verify(&token[..at], NOW).is_err(), "cut at {at}");
    }
    assert_eq!(keys.verify(&"a".repeat(TOKEN_BYTES_MAX + 1), NOW), Err(TokenError::Malformed));
    assert_eq!(keys.verify("", NOW), Err(TokenError::Malformed));
}
