use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

use super::class::Class;
use crate::extract::SESSION_COOKIE;

/// What a quota is kept under: a hash, so that no credential is kept anywhere, and the same on every instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn of(class: Class, principal: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[class as u8]).update(principal);
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(key)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whose request it is: of who shows a credential, that (whether it is worth something, nobody knows yet); of others,
    /// and of who signs in, the address.
    pub(super) fn of_request(class: Class, headers: &HeaderMap, peer: Option<SocketAddr>, proxies: &[IpAddr]) -> Self {
        if class != Class::Login {
            if let Some(header) = headers.get(AUTHORIZATION) {
                let bytes = header.as_bytes();
                let secret = bytes.iter().position(|b| *b == b' ').map_or(bytes, |space| &bytes[space + 1..]);
                return Self::of(class, secret.trim_ascii());
            }
            if let Some(secret) = session(headers) {
                return Self::of(class, secret);
            }
        }
        match address(headers, peer, proxies) {
            Some(IpAddr::V4(address)) => Self::of(class, &address.octets()),
            // Who has one address has the network.
            Some(IpAddr::V6(address)) => Self::of(class, &address.octets()[..8]),
            None => Self::of(class, b"unknown"),
        }
    }
}

fn session(headers: &HeaderMap) -> Option<&[u8]> {
    let mut cookies = headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b';'));
    cookies.find_map(|cookie| cookie.trim_ascii().strip_prefix(SESSION_COOKIE.as_bytes())?.strip_prefix(b"="))
}

/// Behind a proxy that is trusted, the last address in `X-Forwarded-For` that is not a trusted proxy's own: what stands
/// before it, the client may have made up.
fn address(headers: &HeaderMap, peer: Option<SocketAddr>, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?.ip().to_canonical();
    if !proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut known = forwarded.iter().rev().map_while(|text| text.parse::<IpAddr>().ok());
    Some(known.find(|address| !proxies.contains(address)).unwrap_or(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(class: Class, pairs: &[(&'static str, &'static str)], peer: &str) -> Key {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Key::of_request(class, &headers, Some(peer.parse().unwrap()), &["10.0.0.1".parse().unwrap()])
    }

    #[test]
    fn a_credential_is_the_same_wherever_it_comes_from() {
        let bearer = key(Class::Read, &[("authorization", "Bearer kyt_x")], "127.0.0.1:1");
        assert_eq!(bearer, key(Class::Read, &[("authorization", "bearer  kyt_x")], "127.0.0.2:9"));
        assert_eq!(bearer, key(Class::Read, &[("cookie", "a=b; koyomi_session=kyt_x")], "127.0.0.2:9"));
        assert_ne!(bearer, key(Class::Write, &[("authorization", "Bearer kyt_x")], "127.0.0.1:1"));
        assert_ne!(bearer, key(Class::Read, &[("authorization", "Bearer kyt_y")], "127.0.0.1:1"));
    }

    #[test]
    fn who_signs_in_is_an_address_whatever_he_shows() {
        let plain = key(Class::Login, &[], "127.0.0.1:1");
        assert_eq!(plain, key(Class::Login, &[("authorization", "Bearer made-up")], "127.0.0.1:2"));
        assert_ne!(plain, key(Class::Login, &[], "127.0.0.2:1"));
        assert_eq!(key(Class::Login, &[], "[2001:db8::1]:1"), key(Class::Login, &[], "[2001:db8::2]:1"));
    }

    #[test]
    fn only_a_trusted_proxy_says_who_is_behind_it() {
        let far = key(Class::Login, &[], "203.0.113.7:1");
        let forged = [("x-forwarded-for", "203.0.113.7")];
        assert_ne!(far, key(Class::Login, &forged, "127.0.0.1:1"));
        assert_eq!(far, key(Class::Login, &forged, "10.0.0.1:1"));
        assert_eq!(far, key(Class::Login, &[("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.0.0.1")], "10.0.0.1:1"));
        assert_eq!(
            key(Class::Login, &[], "10.0.0.1:1"),
            key(Class::Login, &[("x-forwarded-for", "junk")], "10.0.0.1:1")
        );
    }
}
