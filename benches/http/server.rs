//! A server on one thread of one core, which tells how long it has computed.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use core_affinity::CoreId;
use cpu_time::ThreadTime;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

/// It stops when the value is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    questions: mpsc::UnboundedSender<oneshot::Sender<Duration>>,
}

impl Server {
    pub(crate) fn start(app: Router, core: CoreId) -> Self {
        let (questions, asked) = mpsc::unbounded_channel();
        let (address, bound) = oneshot::channel();
        thread::spawn(move || {
            core_affinity::set_for_current(core);
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(serve(app, address, asked));
        });
        Self { address: bound.blocking_recv().expect("the server listens"), questions }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time of the server's thread so far.
    pub(crate) fn processor_time(&self) -> Duration {
        let (question, answer) = oneshot::channel();
        self.questions.send(question).expect("the server runs");
        answer.blocking_recv().expect("the server answers")
    }
}

async fn serve(
    app: Router,
    address: oneshot::Sender<SocketAddr>,
    mut asked: mpsc::UnboundedReceiver<oneshot::Sender<Duration>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let _ = address.send(listener.local_addr().expect("a bound socket has an address"));
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let answer = async {
        while let Some(question) = asked.recv().await {
            let _ = question.send(ThreadTime::now().as_duration());
        }
    };
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served.expect("the server runs"),
        () = answer => {}
    }
}
