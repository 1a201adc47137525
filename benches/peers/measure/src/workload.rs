use crate::Engine;
use std::str::FromStr;

/// One of the four pieces of work. A world of each is the same for every engine, and small enough for the slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// W1: two nodes, a message there and back.
    PingPong,
    /// W2: 50 clients and a server; a reply cancels the timeout of 50 ms that its request has.
    FanIn,
    /// W3: a client, a leader, and two followers that must acknowledge before the leader replies.
    Replicate,
    /// W4: five nodes and 100 messages, built, run and dropped.
    ShortWorlds,
}

impl Workload {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::PingPong, Self::FanIn, Self::Replicate, Self::ShortWorlds];

    /// The word that an engine's program takes.
    pub fn word(self) -> &'static str {
        match self {
            Self::PingPong => "w1",
            Self::FanIn => "w2",
            Self::Replicate => "w3",
            Self::ShortWorlds => "w4",
        }
    }

    /// The head of its column.
    pub fn title(self) -> &'static str {
        match self {
            Self::PingPong => "W1 ping-pong",
            Self::FanIn => "W2 50 clients, a timeout cancelled per request",
            Self::Replicate => "W3 leader and two followers",
            Self::ShortWorlds => "W4 worlds of 5 nodes and 100 messages",
        }
    }

    /// How often a client of one world asks. In W4 the engine divides 50 exchanges among four clients.
    pub fn exchanges(self) -> u64 {
        match self {
            Self::PingPong => 10_000,
            Self::FanIn => 200,
            Self::Replicate => 5_000,
            Self::ShortWorlds => 50,
        }
    }

    /// Messages that one world delivers.
    pub fn messages(self) -> u64 {
        match self {
            Self::PingPong => 2 * self.exchanges(),
            Self::FanIn => 50 * 2 * self.exchanges(),
            Self::Replicate => 6 * self.exchanges(),
            Self::ShortWorlds => 2 * self.exchanges(),
        }
    }

    /// What is counted per CPU second for one world: its messages, and in W4 the world itself.
    pub fn worth(self) -> u64 {
        match self {
            Self::ShortWorlds => 1,
            _ => self.messages(),
        }
    }

    /// Worlds between two looks at the clock, which costs as much as a few messages.
    pub(crate) fn worlds_at_once(self) -> u64 {
        match self {
            Self::ShortWorlds => 50,
            _ => 1,
        }
    }

    /// Builds one world on `engine`, runs it to its end and drops it.
    ///
    /// # Panics
    /// When the world delivered another number of messages than it should.
    pub fn run_once(self, engine: &Engine, seed: u64) {
        let delivered = match self {
            Self::PingPong => (engine.ping_pong)(seed, self.exchanges()),
            Self::FanIn => (engine.fan_in)(seed, self.exchanges()),
            Self::Replicate => (engine.replicate)(seed, self.exchanges()),
            Self::ShortWorlds => (engine.short_world)(seed),
        };
        assert_eq!(delivered, self.messages(), "messages delivered by {self:?} with seed {seed}");
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|workload| workload.word() == word);
        found.ok_or_else(|| format!("no workload is called {word:?}: it is w1, w2, w3 or w4"))
    }
}
