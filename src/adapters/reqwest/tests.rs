use std::net::TcpListener as Listener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const PUBLIC: Reach = Reach { loopback: Switch::Off, private: Switch::Off };
const LOOPBACK: Reach = Reach { loopback: Switch::On, private: Switch::Off };
const PRIVATE: Reach = Reach { loopback: Switch::Off, private: Switch::On };

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

#[test]
fn only_https_to_public_addresses_is_sent() {
    let allowed = |reach: Reach, text: &str| reach.check_url(&url(text)).is_ok();
    assert!(allowed(PUBLIC, "https://rp.example/jwks"));
    assert!(allowed(PUBLIC, "https://93.184.216.34/"));
    for refused in
        ["http://rp.example/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/", "https://10.0.0.1/"]
    {
        assert!(!allowed(PUBLIC, refused), "{refused}");
    }
    assert!(allowed(LOOPBACK, "https://127.0.0.1:8443/"));
    for refused in ["http://127.0.0.1/", "https://169.254.169.254/", "https://10.0.0.1/"] {
        assert!(!allowed(LOOPBACK, refused), "{refused}");
    }
}

/// attack 78, attack 207, attack 208: however it is spelt, an address of the deployment's own network is refused
/// before anything is resolved or sent.
#[test]
fn no_spelling_of_an_inner_address_is_asked() {
    for host in [
        "169.254.169.254",
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.0x0.0x0.0x1",
        "%31%32%37.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{ff11}27.0.0.1",
        "0.0.0.0",
        "0",
        "10.1.2.3",
        "100.64.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::1]",
        "[2002:a00:1::1]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ] {
        for text in
            [format!("https://{host}/"), format!("https://{host}:8443/"), format!("https://u:p@{host}/")]
        {
            assert!(PUBLIC.check_url(&url(&text)).is_err(), "{text}");
        }
    }
}

#[test]
fn a_switch_opens_its_own_addresses_and_no_others() {
    let allows = |reach: Reach, address: &str| reach.allows(address.parse().unwrap());
    for address in ["127.0.0.1", "127.8.8.8", "::1"] {
        assert!(allows(LOOPBACK, address) && !allows(PRIVATE, address), "{address}");
    }
    for address in ["10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1"] {
        assert!(allows(PRIVATE, address) && !allows(LOOPBACK, address), "{address}");
    }
    let both = Reach { loopback: Switch::On, private: Switch::On };
    for address in [
        "169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
        "168.63.129.16",
        "0.0.0.0",
        "100.64.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "fe80::1",
    ] {
        assert!(!allows(both, address), "{address}");
    }
}

#[test]
fn one_private_address_among_public_ones_refuses_the_name() {
    let addresses = |list: &[&str]| list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
    assert!(PUBLIC.check(addresses(&["93.184.216.34"])).is_ok());
    assert!(PUBLIC.check(addresses(&["93.184.216.34", "192.168.0.1"])).is_err());
    assert!(PUBLIC.check(addresses(&["::1"])).is_err());
    assert!(LOOPBACK.check(addresses(&["::1", "127.0.0.1"])).is_ok());
}

/// A look-up that nobody waits for any more still holds its thread, and counts until it ends.
#[tokio::test]
async fn names_are_looked_up_a_bounded_number_at_once() {
    let places = Arc::new(Semaphore::new(1));
    let held = Arc::clone(&places).try_acquire_owned().unwrap();
    assert!(system_lookup("localhost".to_owned(), Arc::clone(&places)).await.is_err());
    drop(held);
    assert!(!system_lookup("localhost".to_owned(), Arc::clone(&places)).await.unwrap().is_empty());
    assert_eq!(places.available_permits(), 1);
}

/// A client under the switch for loopback whose resolver answers from a list, and how often it was asked.
fn resolving_to(answers: &'static [&'static str]) -> (ReqwestClient, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let answer = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
        Box::pin(async move { Ok(vec![SocketAddr::new(answer.parse().unwrap(), 0)]) })
    });
    (ReqwestClient::builder().dangerous_allow_loopback().build_with(lookup).unwrap(), asked)
}

/// Listens on each address at one and the same port, and counts the connections to each.
fn listeners(hosts: [&str; 2]) -> (u16, [Arc<Mutex<usize>>; 2]) {
    let first = Listener::bind((hosts[0], 0)).unwrap();
    let port = first.local_addr().unwrap().port();
    let second = Listener::bind((hosts[1], port)).unwrap();
    let counted = [first, second].map(|listener| {
        let count = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&count);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                *counter.lock().unwrap() += 1;
                drop(stream);
            }
        });
        count
    });
    (port, counted)
}

async fn send(client: &ReqwestClient, port: u16) -> HttpErrorKind {
    let url = format!("https://rp.example:{port}/jwks");
    client.send(http::Request::get(url).body(Bytes::new()).unwrap()).await.unwrap_err().kind()
}

/// attack 78, attack 207: a name that changes its address between the check and the connection gains nothing, since
/// there is no second look-up; and the next request checks anew.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_goes_to_the_address_that_was_checked() {
    let (port, [checked, rebound]) = listeners(["127.0.0.1", "127.0.0.2"]);
    let (client, asked) = resolving_to(&["127.0.0.1", "127.0.0.2"]);
    // The listener hangs up, so there is no TLS; that somebody called is what counts.
    assert_eq!(send(&client, port).await, HttpErrorKind::Unreachable);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!((*checked.lock().unwrap(), *rebound.lock().unwrap()), (1, 0));

    let (client, asked) = resolving_to(&["127.0.0.1", "10.0.0.1"]);
    assert_eq!(send(&client, port).await, HttpErrorKind::Unreachable);
    assert_eq!(send(&client, port).await, HttpErrorKind::AddressRefused);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// attack 209: no text of an error, nor of what is behind it, has the address that a name was resolved to.
#[tokio::test]
async fn an_error_does_not_tell_the_address_of_a_name() {
    for answer in [&["10.11.12.13"], &["127.0.0.1"]] {
        let (client, _) = resolving_to(answer);
        let unused = Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("https://rp.example:{unused}/jwks");
        let error = client.send(http::Request::get(url).body(Bytes::new()).unwrap()).await.unwrap_err();
        let mut texts = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            texts.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(!texts.contains(answer[0]), "{texts}");
    }
}
