//! The examples as programs, and a browser without a window: cookies, forms, and redirects followed one by one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use url::Url;

/// Most redirects that a visit follows.
const MAX_REDIRECTS: usize = 10;

/// Most visits that wait for a page to change: many more than fit into a second.
const MAX_VISITS: usize = 10_000;

/// A certificate for the loopback address and `localhost` that signed itself, and its key. Good for nothing else.
pub(crate) const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.crt");
pub(crate) const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/loopback.key");

/// An example that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    /// What it printed after `listening on`.
    pub url: String,
    /// Kept open, since a program that prints into a closed pipe ends.
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts an example and waits until it listens.
    pub(crate) fn start(example: &str, flags: &[&str]) -> Self {
        let mut child = command(example, flags).stdout(Stdio::piped()).spawn().expect("the example starts");
        let mut output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the example prints text");
        let url = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let url = url.unwrap_or_else(|| panic!("{example} {flags:?} does not listen: {line:?}"));
        Self { child, url, output }
    }

    /// Waits for the line that begins so, and gives the rest of it.
    pub(crate) fn prints(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).expect("the example prints text") > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(beginning) {
                return rest.to_owned();
            }
            line.clear();
        }
        panic!("the example never prints {beginning:?}")
    }

    /// The URL of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a signal, by its name without `SIG`, and waits for the end.
    pub(crate) fn signal(mut self, name: &str) -> ExitStatus {
        self.tell(name);
        self.child.wait().expect("the example ends")
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn tell(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("there is a kill command");
        assert!(sent.success(), "{name} reaches the example");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A file of signing keys that every test of a run may use: making RSA keys takes longer than a test.
pub(crate) fn signing_keys() -> &'static str {
    static KEYS: OnceLock<String> = OnceLock::new();
    KEYS.get_or_init(|| {
        let path = directory("signing-keys").join("keys.json").to_string_lossy().into_owned();
        drop(Server::start("provider", &["--listen", "127.0.0.1:0", "--keys", &path]));
        path
    })
}

/// Runs an example that must refuse to start, and gives what it wrote on standard error.
pub(crate) fn refusal(example: &str, flags: &[&str]) -> String {
    let mut child = command(example, flags)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut written = String::new();
    let mut errors = child.stderr.take().expect("standard error is a pipe");
    errors.read_to_string(&mut written).expect("the example prints text");
    let status = child.wait().expect("the example ends");
    assert_eq!(status.code(), Some(1), "{example} {flags:?} refuses to start: {written}");
    written
}

/// Runs an example to its end and gives its standard output.
pub(crate) fn output(example: &str, flags: &[&str]) -> String {
    let output = command(example, flags).output().expect("the example starts");
    assert!(output.status.success(), "{example} {flags:?}");
    String::from_utf8(output.stdout).expect("the example prints text")
}

fn command(example: &str, flags: &[&str]) -> Command {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let target = tests.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
    let program = target.join("examples").join(example).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is not there: run `cargo build --examples`", program.display());
    let mut command = Command::new(program);
    command.args(flags).env("RUST_LOG", "warn");
    command
}

/// An empty directory of this name for one test.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).expect("the directory of the last run goes");
    }
    std::fs::create_dir_all(&path).expect("a directory can be made");
    path
}

/// A browser with its own cookies, which it sends to every port of a host, as browsers do.
pub(crate) struct Browser {
    http: reqwest::Client,
}

/// What a browser was answered.
pub(crate) struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .resolve("demo.localhost", SocketAddr::from(([127, 0, 0, 1], 0)))
            .build()
            .expect("a client can be made");
        Self { http }
    }

    /// Opens a page and follows no redirect.
    pub(crate) async fn open(&self, url: &str) -> Page {
        Page::of(self.http.get(url)).await
    }

    /// Opens a page and follows redirects to the last.
    pub(crate) async fn visit(&self, url: &str) -> Page {
        let page = self.open(url).await;
        self.follow(page).await
    }

    /// Follows redirects to the last page, or to the last redirect that leads away from this machine.
    pub(crate) async fn follow(&self, mut page: Page) -> Page {
        for _ in 0..MAX_REDIRECTS {
            let here = |url: &Url| url.host_str() == Some("127.0.0.1");
            let Some(next) = page.location().filter(here) else { return page };
            page = self.open(next.as_str()).await;
        }
        panic!("too many redirects, the last to {}", page.url);
    }

    /// Visits a page again and again until it shows the element with an id: what was so a moment ago may be so for
    /// the rest of a second, in which whole seconds cannot tell before from after.
    pub(crate) async fn visit_until(&self, url: &str, id: &str) -> Page {
        for _ in 0..MAX_VISITS {
            let page = self.visit(url).await;
            if page.text(id).is_some() {
                return page;
            }
        }
        panic!("{url} never shows {id}");
    }

    /// Presses a button, by its id, in a form of the page with these fields filled in, and follows no redirect.
    pub(crate) async fn press(&self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let (action, mut pairs) = page.form(button);
        for (name, value) in fields {
            pairs.retain(|(other, _)| other != name);
            pairs.push(((*name).to_owned(), (*value).to_owned()));
        }
        Page::of(self.http.post(action).form(&pairs)).await
    }

    /// Posts a form that no page showed, with these headers.
    pub(crate) async fn post(&self, url: &str, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let request = self.http.post(url).form(pairs);
        Page::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }
}

impl Page {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the example answers");
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        Self { url, status, headers, body: response.text().await.expect("the answer is text") }
    }

    /// Where a redirect leads. Any status but 303 is none that these sites send.
    pub(crate) fn location(&self) -> Option<Url> {
        assert!(!self.status.is_redirection() || self.status == StatusCode::SEE_OTHER, "{}", self.status);
        let location = self.headers.get(LOCATION)?.to_str().expect("an address is ASCII");
        Some(self.url.join(location).expect("an address can be read"))
    }

    /// One parameter of the address that a redirect leads to.
    pub(crate) fn sent_back(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        location.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }

    /// The cookies that are set, whole.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().expect("a cookie is ASCII"))
            .collect()
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> String {
        let tag = tags(&self.body, "<input").find(|tag| attribute(tag, "name").as_deref() == Some(name));
        attribute(tag.unwrap_or_else(|| panic!("{name} is not on the page: {}", self.content())), "value")
            .unwrap_or_default()
    }

    /// The page without its head.
    pub(crate) fn content(&self) -> &str {
        self.body.split("<body>").last().unwrap_or_default()
    }

    /// The text of the element with an id.
    pub(crate) fn text(&self, id: &str) -> Option<String> {
        let (_, after) = self.body.split_once(&format!("id=\"{id}\""))?;
        let (_, after) = after.split_once('>')?;
        Some(unescape(after.split('<').next().unwrap_or_default().trim()))
    }

    /// The address and the fields of the form that has this button, the button's own among them.
    fn form(&self, button: &str) -> (Url, Vec<(String, String)>) {
        let id = format!("id=\"{button}\"");
        let form =
            self.body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap_or_default());
        let form = form.filter(|form| form.contains(&id)).last();
        let form = form.unwrap_or_else(|| panic!("{button} is not on the page: {}", self.content()));
        let action = attribute(form.split('>').next().unwrap_or_default(), "action").unwrap_or_default();
        let sent = |tag: &&str| match attribute(tag, "type").as_deref() {
            Some("checkbox") => tag.contains(" checked"),
            Some("submit") => tag.contains(&id),
            _ => true,
        };
        let fields = tags(form, "<input").chain(tags(form, "<button")).filter(sent);
        let pairs =
            fields.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect();
        (self.url.join(&action).expect("an address can be read"), pairs)
    }
}

fn tags<'a>(html: &'a str, tag: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(tag).skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split('"').next().map(unescape)
}

fn unescape(text: &str) -> String {
    let pairs =
        [("&#x2f;", "/"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
