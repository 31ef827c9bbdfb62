//! Whose turn it is when much waits: peers, front ends and what the hubs put off all get theirs, however busy the others
//! are. A crowd of peers that sends without a pause neither keeps people waiting nor the watchdog, nor a stop.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use super::Role;

/// One of two things that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Which of two queues is asked first: they take turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    is_second_first: bool,
}

impl Turns {
    /// Takes what waits, of each queue in turn; `None` if nothing does.
    pub(super) fn take<A, B>(
        &mut self,
        first: &mut mpsc::Receiver<A>,
        second: &mut mpsc::Receiver<B>,
    ) -> Option<Either<A, B>> {
        self.is_second_first = !self.is_second_first;
        let mut of_first = || first.try_recv().ok().map(Either::First);
        let mut of_second = || second.try_recv().ok().map(Either::Second);
        if self.is_second_first { of_second().or_else(of_first) } else { of_first().or_else(of_second) }
    }
}

/// What the hubs put off until nothing else waits.
#[derive(Debug, Default)]
pub(super) struct PutOff {
    roles: BTreeSet<Role>,
    turns: usize,
}

impl PutOff {
    pub(super) fn insert(&mut self, role: Role) {
        self.roles.insert(role);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Those that go on in the turn that is about to begin, which takes something else or nothing.
    pub(super) fn due(&mut self, is_idle: bool) -> BTreeSet<Role> {
        self.turns += 1;
        if self.roles.is_empty() || is_idle || self.turns > PUT_OFF_TURNS_MAX {
            self.turns = 0;
            return std::mem::take(&mut self.roles);
        }
        BTreeSet::new()
    }
}

/// A turn that is full takes 50 ms or more, so what was put off goes on about every second however busy all others are;
/// and a device that is sent ten thousand tickets, in some hundred turns, stores nearly all before it looks into them.
const PUT_OFF_TURNS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_full_queues_each_gets_its_turn() {
        let ((to_first, mut first), (to_second, mut second)) = (mpsc::channel(4), mpsc::channel(4));
        for number in 0..4 {
            to_first.try_send(number).unwrap();
        }
        for letter in ['a', 'b'] {
            to_second.try_send(letter).unwrap();
        }
        let mut turns = Turns::default();
        let taken: Vec<_> = std::iter::from_fn(|| turns.take(&mut first, &mut second)).collect();
        let (first, second) = (Either::First, Either::Second);
        assert_eq!(taken, [second('a'), first(0), second('b'), first(1), first(2), first(3)]);
    }

    #[test]
    fn what_is_put_off_goes_on_when_nothing_waits_and_now_and_then_when_much_does() {
        let mut put_off = PutOff::default();
        assert!(put_off.due(true).is_empty());
        put_off.insert(Role::Server);
        assert!(put_off.due(false).is_empty());
        assert_eq!(put_off.due(true), BTreeSet::from([Role::Server]));
        put_off.insert(Role::Device);
        let busy = (0..).find(|_| !put_off.due(false).is_empty());
        assert_eq!(busy, Some(PUT_OFF_TURNS_MAX));
        assert!(put_off.is_empty());
    }
}
