//! Whose request it is: the peer's address, or the one that a proxy of ours has written down.

use std::net::{IpAddr, Ipv4Addr};

/// The client's address. `forwarded` is the value of `X-Forwarded-For`, believed from the right as far as our proxies go.
pub fn client(peer: Option<IpAddr>, forwarded: Option<&str>, proxies: &[IpAddr]) -> IpAddr {
    let mut client = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
    let hops = forwarded.unwrap_or_default().rsplit(',');
    for hop in hops.map_while(|hop| hop.trim().parse::<IpAddr>().ok()) {
        if !proxies.contains(&client) {
            break;
        }
        client = hop.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let check =
            |peer: &str, forwarded: Option<&str>, proxies: &[IpAddr]| client(Some(ip(peer)), forwarded, proxies);
        let ours = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(
            check("192.0.2.7", Some("198.51.100.1"), &ours),
            ip("192.0.2.7"),
            "a stranger may write what he likes"
        );
        assert_eq!(check("10.0.0.1", None, &ours), ip("10.0.0.1"));
        assert_eq!(check("10.0.0.1", Some("198.51.100.1"), &ours), ip("198.51.100.1"));
        assert_eq!(check("10.0.0.1", Some("1.1.1.1, 198.51.100.1, 10.0.0.2"), &ours), ip("198.51.100.1"));
        assert_eq!(check("10.0.0.1", Some("198.51.100.1, nonsense"), &ours), ip("10.0.0.1"));
        assert_eq!(check("::ffff:10.0.0.1", Some("198.51.100.1"), &ours), ip("198.51.100.1"));
        assert_eq!(client(None, None, &[]), ip("0.0.0.0"));
    }
}
