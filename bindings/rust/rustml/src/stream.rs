//! Answers for asynchronous programs (feature `stream`).
use crate::{CancelHandle, Chunk, Error, Generation};
use futures_core::stream::{FusedStream, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// Chunks made ahead of the reader at most.
const AHEAD: usize = 16;

#[derive(Default)]
struct State {
    ready: VecDeque<Result<Chunk, Error>>,
    waker: Option<Waker>,
    ended: bool,   // nothing more comes
    dropped: bool, // nobody reads
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    room: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for room; false when nobody reads any more.
    fn push(&self, item: Result<Chunk, Error>) -> bool {
        let full = |state: &mut State| state.ready.len() >= AHEAD && !state.dropped;
        let waited = self.room.wait_while(self.lock(), full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.dropped {
            return false;
        }
        state.ready.push_back(item);
        Self::wake(state);
        true
    }
}

/// An answer as a [`Stream`], made on a thread of its own, for any executor. See [`Generation::into_stream`].
///
/// Dropping it ends the answer and waits for that, a few milliseconds; the session is then usable at once. With a cancel handle
/// in the options, which others may share and the drop therefore leaves alone, it waits for the prompt or the token that is
/// being evaluated.
#[derive(Debug)]
pub struct ChunkStream {
    shared: Arc<Shared>,
    cancel: Option<CancelHandle>,
    worker: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        write!(f, "{} ready, ended: {}", state.ready.len(), state.ended)
    }
}

impl Generation {
    /// Makes the answer on a thread of its own, a few chunks ahead of the reader.
    pub fn into_stream(self) -> Result<ChunkStream, Error> {
        let shared = Arc::new(Shared::default());
        let cancel = self.own_cancel_handle();
        let theirs = shared.clone();
        let worker = std::thread::Builder::new().name("rustml-stream".into()).spawn(move || {
            /// Says so also when a callback's panic ends the thread.
            struct End(Arc<Shared>);
            impl Drop for End {
                fn drop(&mut self) {
                    let mut state = self.0.lock();
                    state.ended = true;
                    Shared::wake(state);
                }
            }
            let end = End(theirs);
            let mut generation = self;
            while generation.next().is_some_and(|item| end.0.push(item)) {}
            drop(generation); // the session is usable before the reader hears of the end
        })?;
        Ok(ChunkStream { shared, cancel, worker: Some(worker) })
    }
}

impl ChunkStream {
    /// Waits for the worker, and lets its panic go on here.
    fn join(&mut self) {
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            if !std::thread::panicking() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Stream for ChunkStream {
    type Item = Result<Chunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.shared.lock();
        if let Some(item) = state.ready.pop_front() {
            drop(state);
            self.shared.room.notify_one();
            return Poll::Ready(Some(item));
        }
        if !state.ended {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.join();
        Poll::Ready(None)
    }
}

impl FusedStream for ChunkStream {
    fn is_terminated(&self) -> bool {
        self.worker.is_none()
    }
}

impl Drop for ChunkStream {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.dropped = true;
        let running = !state.ended;
        drop(state);
        self.shared.room.notify_one();
        if let (true, Some(cancel)) = (running, &self.cancel) {
            cancel.cancel();
        }
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}
