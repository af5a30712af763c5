//! Work on many sets at the same time.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread::Builder;

/// Does the work for each, on at most so many threads; answers come in the order of what was given, and `done` is told of
/// each as it comes. Where no thread can be had, all is done on this one.
pub fn side_by_side<I: Send, T: Send>(
    all: Vec<I>,
    threads: usize,
    work: impl Fn(I) -> T + Sync,
    mut done: impl FnMut(usize),
) -> Vec<T> {
    let count = all.len();
    let queue = Mutex::new(all.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
    let mut answers: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let mut finished = 0;
    let mut keep = |at: usize, answer| {
        answers[at] = Some(answer);
        finished += 1;
        done(finished);
    };
    if threads > 1 && count > 1 {
        let (send, receive) = channel();
        std::thread::scope(|scope| {
            let (next, work) = (&next, &work);
            for _ in 0..threads.min(count) {
                let send = send.clone();
                let run = move || {
                    while let Some((at, one)) = next() {
                        // Nobody listens any more when the run is over.
                        let _ = send.send((at, work(one)));
                    }
                };
                if Builder::new().spawn_scoped(scope, run).is_err() {
                    break;
                }
            }
            drop(send);
            receive.iter().for_each(|(at, answer)| keep(at, answer));
        });
    }
    while let Some((at, one)) = next() {
        keep(at, work(one));
    }
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_whatever_the_threads() {
        for threads in [0, 1, 2, 64] {
            let mut told = Vec::new();
            let all = side_by_side((0..50).collect(), threads, |n| n * 2, |done| told.push(done));
            assert_eq!(all, (0..50).map(|n| n * 2).collect::<Vec<_>>());
            assert_eq!(told, (1..=50).collect::<Vec<_>>());
        }
        assert_eq!(side_by_side(Vec::<u8>::new(), 4, |n| n, |_| ()), []);
    }
}
