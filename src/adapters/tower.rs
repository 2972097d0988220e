//! The provider as a [`Service`].

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use tower::Service;

use crate::error::{BoxError, Reason};
use crate::provider::Mount;
use crate::wire::{MAX_BODY_BYTES, Request};

/// Answers requests to a provider's paths; whatever is at another path is a 404.
///
/// A body is read up to [`MAX_BODY_BYTES`] and no further: beyond that the answer is 413 (attack 57). How long a
/// connection may take to send it is for the server to bound.
#[derive(Clone, Debug)]
pub struct MountService(Mount);

impl MountService {
    /// The service of `mount`.
    #[must_use]
    pub const fn new(mount: Mount) -> Self {
        Self(mount)
    }
}

impl<B> Service<http::Request<B>> for MountService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Answering {
        let mount = self.0.clone();
        let (head, body) = request.into_parts();
        Answering(Box::pin(async move {
            let response = match collect(body).await {
                Ok(body) => mount.answer(&Request::from_parts(head, body)).await,
                Err(reason) => mount.provider().refuse(head.uri.path(), reason),
            };
            response.map(Full::new)
        }))
    }
}

/// The answer of a [`MountService`], on its way.
#[must_use = "futures do nothing unless polled"]
pub struct Answering(Pin<Box<dyn Future<Output = http::Response<Full<Bytes>>> + Send>>);

impl Future for Answering {
    type Output = Result<http::Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering(..)")
    }
}

/// Reads a body whole, unless it is over its cap.
async fn collect<B: Body>(body: B) -> Result<Bytes, Reason> {
    // What the length promises is refused before anything is read.
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(Reason::BodyTooLarge);
    }
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut collected = BytesMut::new();
    while let Some(frame) = body.as_mut().frame().await {
        let Ok(mut data) = frame.map_err(|_| Reason::BodyUnreadable)?.into_data() else { continue };
        let length = data.remaining();
        if first.len() + collected.len() + length > MAX_BODY_BYTES {
            return Err(Reason::BodyTooLarge);
        }
        // Most bodies come in one piece, which need not be copied.
        if first.is_empty() && collected.is_empty() {
            first = data.copy_to_bytes(length);
        } else {
            collected.extend_from_slice(&std::mem::take(&mut first));
            collected.put(data);
        }
    }
    Ok(if collected.is_empty() { first } else { collected.freeze() })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use http_body::{Frame, SizeHint};

    use super::*;
    use crate::testing::block_on;

    /// A body of chunks that promises no length, and counts what is taken from it.
    struct Chunks {
        left: usize,
        size: usize,
        broken: bool,
    }

    impl Body for Chunks {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            if self.left == 0 {
                return Poll::Ready(self.broken.then_some(Err("the connection broke")));
            }
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'a'; self.size])))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    /// attack 57: whatever a body promises, no more than the cap is read of it.
    #[test]
    fn a_body_is_read_up_to_its_cap() {
        let read = |left, size, broken| block_on(collect(Chunks { left, size, broken }));
        assert_eq!(read(64, 1024, false).map(|body| body.len()), Ok(MAX_BODY_BYTES));
        assert_eq!(read(65, 1024, false), Err(Reason::BodyTooLarge));
        assert_eq!(read(usize::MAX, 1024, false), Err(Reason::BodyTooLarge));
        assert_eq!(read(1, MAX_BODY_BYTES + 1, false), Err(Reason::BodyTooLarge));
        assert_eq!(read(1, 1024, true), Err(Reason::BodyUnreadable));
        let promised = Full::new(Bytes::from(vec![b'a'; MAX_BODY_BYTES + 1]));
        assert_eq!(block_on(collect(promised)), Err(Reason::BodyTooLarge));
    }
}
