//! Where the server is, and the few HTTP requests that a run needs: log in, make a class, read a page of text.
//! HTTP/1.1 by hand over one connection each, loopback only: no TLS, no redirects. Sockets are the client's.

use crate::error::LoadError;
use crate::now;
use fitconnect_protocol::class::NewClass;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, CmdId, GymId, UserId, Uuid};
use serde::Deserialize;
use serde_json::Value;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A server by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `host:port`, as the `Host` header wants it.
    pub authority: String,
    pub addr: SocketAddr,
}

impl FromStr for Server {
    type Err = LoadError;
    /// `http://host:port`, with or without the scheme.
    fn from_str(url: &str) -> Result<Server, LoadError> {
        let bad = || LoadError::BadUrl(url.to_owned());
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://")).unwrap_or(url);
        let authority = rest.trim_end_matches('/').to_owned();
        if authority.contains(['/', '@']) || !authority.contains(':') {
            return Err(bad());
        }
        let addr = authority.to_socket_addrs().map_err(|_| bad())?.next().ok_or_else(bad)?;
        Ok(Server { authority, addr })
    }
}

/// What a log-in gives.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Login {
    pub token: String,
    pub expires_at_ms: i64,
    pub user: UserId,
    pub gym: GymId,
    pub role: Role,
    pub name: String,
}

impl Server {
    pub async fn login(&self, email: &str, password: &str) -> Result<Login, LoadError> {
        let body = serde_json::json!({ "email": email, "password": password });
        read(self.json("POST", "/v1/login", None, Some(&body)).await?)
    }

    /// Makes a class in the trainer's gym.
    pub async fn create_class(&self, token: &str, class: &NewClass) -> Result<ClassId, LoadError> {
        let mut body = serde_json::to_value(class).map_err(|error| LoadError::BadAnswer(error.to_string()))?;
        body["cmd"] = Value::String(cmd_at(now::unix_us() / 1_000).to_string());
        #[derive(Deserialize)]
        struct Made {
            class: ClassId,
        }
        read(self.json("POST", "/v1/classes", Some(token), Some(&body)).await?).map(|made: Made| made.class)
    }

    /// A page as text, such as `/metrics`.
    pub async fn text(&self, path: &str) -> Result<String, LoadError> {
        self.text_as(path, None).await
    }

    /// The same as somebody with this token.
    pub async fn text_as(&self, path: &str, token: Option<&str>) -> Result<String, LoadError> {
        self.bytes("GET", path, token, &[]).await.map(|body| String::from_utf8_lossy(&body).into_owned())
    }

    /// Any request, as bytes.
    pub async fn bytes(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<u8>, LoadError> {
        let (status, answer) = self.ask(method, path, token, body).await?;
        check(status, &answer)?;
        Ok(answer)
    }

    /// Any request whose answer is JSON.
    pub async fn json(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, LoadError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.bytes(method, path, token, body.as_bytes()).await?;
        serde_json::from_slice(&answer).map_err(|error| LoadError::BadAnswer(format!("{path}: {error}")))
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), LoadError> {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.authority,
            body.len()
        );
        let talk = async {
            let mut socket = TcpStream::connect(self.addr).await?;
            socket.write_all(&[request.as_bytes(), body].concat()).await?;
            let mut answer = Vec::new();
            socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
            Ok(answer)
        };
        let answer =
            tokio::time::timeout(ANSWER_WITHIN, talk).await.map_err(|_| LoadError::TimedOut("an HTTP request"))?;
        let answer = answer.map_err(|source| LoadError::Unreachable { addr: self.authority.clone(), source })?;
        split(&answer).ok_or_else(|| LoadError::BadAnswer(format!("{method} {path}: not HTTP/1.1")))
    }
}

/// A command's id stamped with this time.
pub fn cmd_at(unix_ms: u64) -> CmdId {
    // UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits.
    let random: u128 = rand::random();
    let stamp = u128::from(unix_ms) << 80 | 0x7 << 76 | 0b10 << 62;
    let free = random & !(u128::from(u64::MAX >> 16) << 80 | 0xf << 76 | 0b11 << 62);
    CmdId(Uuid::from_u128(stamp | free))
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, LoadError> {
    serde_json::from_value(value).map_err(|error| LoadError::BadAnswer(error.to_string()))
}

fn check(status: u16, body: &[u8]) -> Result<(), LoadError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let words = serde_json::from_slice::<Value>(body).ok().and_then(|body| {
        let code = body.get("code")?.as_str()?;
        Some(format!("{code}: {}", body.get("message").and_then(Value::as_str).unwrap_or_default()))
    });
    let message = words.unwrap_or_else(|| String::from_utf8_lossy(body).chars().take(200).collect());
    Err(LoadError::Http { status, message })
}

/// Status and body of an answer after which the connection was closed.
fn split(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let body = &answer[end + 4..];
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    let chunked = head.lines().skip(1).any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked")
        })
    });
    Some((status, if chunked { unchunk(body)? } else { body.to_vec() }))
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(body.get(end + 2..end + 2 + size)?);
        body = body.get(end + 4 + size..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_its_scheme() {
        for url in ["http://127.0.0.1:80", "127.0.0.1:80", "http://127.0.0.1:80/", "ws://127.0.0.1:80"] {
            assert_eq!(url.parse::<Server>().expect(url).authority, "127.0.0.1:80");
        }
        for url in ["", "127.0.0.1", "http://u@127.0.0.1:80", "http://127.0.0.1:80/path", "https://127.0.0.1:80"] {
            assert!(url.parse::<Server>().is_err(), "{url}");
        }
    }

    #[test]
    fn a_cmd_is_a_uuid_of_version_7_with_the_time_in_it() {
        for ms in [0, 1_795_459_200_123, (1 << 48) - 1] {
            assert_eq!(cmd_at(ms).stamped_ms(), Some(ms));
            assert_eq!(cmd_at(ms).0.as_bytes()[8] >> 6, 0b10, "the variant");
        }
        assert_ne!(cmd_at(5), cmd_at(5));
    }

    #[test]
    fn answers_are_read_plain_and_in_chunks() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(split(plain), Some((200, b"hi".to_vec())));
        let chunks =
            b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n yo\r\n0\r\n\r\n";
        assert_eq!(split(chunks), Some((401, b"hi yo".to_vec())));
        assert_eq!(split(b"SSH-2.0"), None);
        let refused = check(401, br#"{"code":"unauthorised","message":"log in again"}"#).expect_err("401");
        assert_eq!(refused.to_string(), "the server answered 401: unauthorised: log in again");
    }
}
