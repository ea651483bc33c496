//! The Ed25519 keys that sign access tokens: PEM files (PKCS #8) in one folder, readable by their owner alone.
//! The last by name signs, all are accepted: a new key is a new file, and an old one goes when its last token has expired.

use super::token::{Claims, TokenError};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding};
use fitconnect_domain::Millis;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest token that is looked at. Ours are about 500 bytes.
const TOKEN_BYTES_MAX: usize = 2_048;
/// How far another node's clock may be ahead of ours.
const AHEAD_MS_MAX: u64 = 60_000;
/// Files in the folder: more is a mistake, and each is a key that could sign.
const KEYS_MAX: usize = 16;

/// Why there are no keys to work with. Each says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} can be read by others (mode {mode:04o}), so its tokens could be forged: \
         make it yours alone with `chmod 600 {path}`, or delete it if it has leaked (everybody logs in again)"
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "{path} is no Ed25519 key in PEM (PKCS #8): restore it from a backup, or delete it (everybody logs in again)"
    )]
    Damaged { path: PathBuf },
    #[error("{path} holds more than {KEYS_MAX} keys: delete the oldest, their tokens have expired")]
    TooMany { path: PathBuf },
}

struct Key {
    /// The first eight bytes of the public key, in hex.
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Key {
    fn new(secret: &SigningKey) -> Key {
        let public = secret.verifying_key().to_bytes();
        let der = secret.to_pkcs8_der().expect("32 bytes have a DER form");
        Key {
            kid: public[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            encoding: EncodingKey::from_ed_der(der.as_bytes()),
            decoding: DecodingKey::from_ed_der(&public),
        }
    }
}

/// All keys of this server.
pub struct Keys {
    /// In order of their files' names; the last signs. Never empty.
    keys: Vec<Key>,
    validation: Validation,
}

impl Keys {
    /// Reads the folder; makes it and a first key where there is none.
    pub fn open(dir: &Path, now: Millis) -> Result<Keys, KeysError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let mut files = pem_files(dir)?;
        if files.is_empty() {
            files.push(make(dir, now)?);
        }
        let keys = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Keys { keys, validation: validation() })
    }

    /// Name of the key that signs.
    pub fn kid(&self) -> &str {
        &self.signing().kid
    }

    fn signing(&self) -> &Key {
        self.keys.last().expect("open() leaves at least one")
    }

    /// A signed token (JWS compact form).
    pub fn mint(&self, claims: &Claims) -> String {
        let key = self.signing();
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key.encoding)
            .expect("the key was read as Ed25519 and claims are plain JSON")
    }

    /// Claims of a token that one of our keys has signed and that is good now.
    pub fn verify(&self, token: &str, now: Millis) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| explain(error.kind()))?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::WrongAlgorithm);
        }
        let key = self.keys.iter().find(|key| header.kid.as_deref() == Some(&key.kid)).ok_or(TokenError::UnknownKey)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = decoded.map_err(|error| explain(error.kind()))?.claims;
        if claims.expires_at() <= now {
            return Err(TokenError::Expired);
        }
        if claims.iat.saturating_mul(1_000) > now.0 + AHEAD_MS_MAX {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }
}

/// Times are judged by the server's own clock, not by the library's.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation
}

fn explain(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Forged,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenError::WrongAlgorithm,
        // `none` and other names that the library does not know.
        ErrorKind::Json(error) if error.to_string().contains("unknown variant") => TokenError::WrongAlgorithm,
        _ => TokenError::Malformed,
    }
}

fn pem_files(dir: &Path) -> Result<Vec<PathBuf>, KeysError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            files.push(path);
        }
    }
    if files.len() > KEYS_MAX {
        return Err(KeysError::TooMany { path: dir.into() });
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Key, KeysError> {
    let mode = fs::metadata(path).map_err(at(path))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Exposed { path: path.into(), mode });
    }
    let damaged = || KeysError::Damaged { path: path.into() };
    let pem = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => damaged(),
        _ => KeysError::Io { path: path.into(), source },
    })?;
    SigningKey::from_pkcs8_pem(pem.trim()).map(|secret| Key::new(&secret)).map_err(|_| damaged())
}

/// A new key from the system's random numbers, on disk before it is used.
fn make(dir: &Path, now: Millis) -> Result<PathBuf, KeysError> {
    let secret: [u8; 32] = rand::random();
    let pair = KeypairBytes { secret_key: secret, public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).expect("32 bytes have a PEM form");
    let path = dir.join(format!("{}.pem", now.0 / 1_000));
    let unfinished = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(at(&path))?;
    Ok(path)
}

fn at(path: &Path) -> impl Fn(io::Error) -> KeysError + use<> {
    let path = path.to_owned();
    move |source| KeysError::Io { path: path.clone(), source }
}

#[cfg(test)]
mod tests;
