//! Addresses of API servers and proxies, as kubectl understands them.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The address of an API server. Without a scheme it is plain http, as for kubectl (client-go `DefaultServerURL`). The error says
/// what is wrong with it, without a word of it: user and password may stand in it.
pub(super) fn server(text: &str) -> Result<Uri, &'static str> {
    let text = text.trim();
    let whole = if has_scheme(text) {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri = parse(&whole)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("begins neither with https:// nor with http://");
    }
    Ok(uri)
}

/// The address of a proxy, as kube takes it; see [`server`]. A SOCKS proxy looks the server's name up itself, which is what
/// `socks5h` asks for.
pub(super) fn proxy(text: &str) -> Result<Uri, &'static str> {
    let text = text.trim();
    let uri = if has_scheme(text) {
        parse(text)?
    } else {
        parse(&format!("http://{text}"))?
    };
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        Some("socks5" | "socks5h") => {
            let authority = uri.authority().map_or("", Authority::as_str);
            // The port that is left out is not that of http.
            let port = if uri.port().is_none() { ":1080" } else { "" };
            parse(&format!("socks5://{}{port}", authority.trim_end_matches(':')))
        }
        _ => Err("asks for a kind of proxy that is not supported"),
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)))
}

fn parse(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "is not an address")?;
    let Some(authority) = uri.authority() else {
        return Err("does not name a host");
    };
    let host = authority.host();
    let (_, place) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    let port = place.strip_prefix(host).and_then(|rest| rest.strip_prefix(':')).unwrap_or_default();
    if host.is_empty() {
        Err("does not name a host")
    } else if !port.is_empty() && port.parse::<u16>().is_err() {
        Err("has a port that is not a number below 65536")
    } else {
        Ok(uri)
    }
}

/// User and password of an address.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// The address without user, password and query, and the user and password that stood in it.
pub(super) fn without_login(uri: &Uri) -> (Uri, Option<Login>) {
    let text = uri.authority().map_or("", Authority::as_str);
    let (login, place) = match text.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, text),
    };
    let bare = Uri::builder()
        .scheme(uri.scheme().cloned().unwrap_or(Scheme::HTTP))
        .authority(place)
        .path_and_query(uri.path_and_query().map_or("/", PathAndQuery::path))
        .build();
    let login = login.map(|login| {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        Login {
            user: decoded(user),
            password: decoded(password),
        }
    });
    match bare {
        Ok(bare) => (bare, login),
        // Its parts come from an address, so they are one; better none than one with a password.
        Err(_) => (Uri::default(), login),
    }
}

/// Text with `%XX` as the characters that are meant.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let value = escape.and_then(|digits| Some(16 * digit(digits[0])? + digit(digits[1])?));
        if let Some(value) = value {
            bytes.push(value);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, &'static str> {
        server(text).map(|uri| uri.to_string())
    }

    // C39
    #[test]
    fn an_address_without_a_scheme_is_plain_http_as_for_kubectl() {
        assert_eq!(of("127.0.0.1:8080").as_deref(), Ok("http://127.0.0.1:8080/"));
        assert_eq!(of("localhost").as_deref(), Ok("http://localhost/"));
        assert_eq!(of("[::1]:6443").as_deref(), Ok("http://[::1]:6443/"));
        assert_eq!(
            of("HTTPS://rig:6443/k8s/clusters/c-1").as_deref(),
            Ok("https://rig:6443/k8s/clusters/c-1")
        );
        assert_eq!(of(" https://rig\n").as_deref(), Ok("https://rig/"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "ftp://rig",
            "https://",
            "https://rig:port",
            "https://rig:99999",
            "https:///path",
            "two words",
            "/path",
            "http://a@",
            ":6443",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
        assert!(proxy("http://user:hush@proxy:3128").is_ok());
        for text in ["socks4://proxy", "ftp://proxy", "", "://", "socks5://:1080"] {
            assert!(proxy(text).is_err(), "{text}");
        }
    }

    #[test]
    fn user_and_password_are_taken_out_of_an_address() {
        let (bare, login) = without_login(&server("https://dev:h%40sh%25@rig:6443/path?token=hush").unwrap());
        assert_eq!(bare.to_string(), "https://rig:6443/path");
        let login = login.unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("dev", "h@sh%"));
        assert!(without_login(&server("rig").unwrap()).1.is_none());
    }
}
