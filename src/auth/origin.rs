//! Which pages may talk to us: our own, and those on the list. A browser says where a page came from; other clients say nothing.

/// Whether a request with this `Origin` may go on. `host` is its `Host` header; the list holds origins as browsers write them.
pub fn is_allowed(origin: Option<&str>, host: Option<&str>, list: &[String]) -> bool {
    let Some(origin) = origin else { return true };
    is_own(origin, host) || is_listed(origin, list)
}

/// Same host and port. The scheme is the proxy's affair: it may speak TLS where we do not.
pub fn is_own(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

pub fn is_listed(origin: &str, list: &[String]) -> bool {
    list.iter().any(|each| each.eq_ignore_ascii_case(origin))
}

/// Whether this can be an origin: scheme and authority, no path.
pub fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '*']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pages_and_listed_ones_may_talk_to_us() {
        let list = ["https://app.example".to_owned()];
        let check = |origin: Option<&str>| is_allowed(origin, Some("gym.example:8080"), &list);
        assert!(check(None), "not a browser");
        assert!(check(Some("http://gym.example:8080")));
        assert!(check(Some("https://GYM.example:8080")), "behind a proxy that speaks TLS");
        assert!(check(Some("https://app.example")));
        for foreign in [
            "http://gym.example",
            "http://evil.example",
            "https://app.example.evil.example",
            "null",
            "",
            "gym.example:8080",
        ] {
            assert!(!check(Some(foreign)), "{foreign}");
        }
        assert!(!is_allowed(Some("http://gym.example"), None, &[]));
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(is_origin("https://app.example") && is_origin("http://127.0.0.1:5173"));
        for wrong in ["app.example", "https://app.example/", "https://", "*", "https://*.example", "ftp://x"] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
