//! The engines that are measured, and what each does otherwise than the rest.

/// An engine and its program.
pub struct Contender {
    /// As the table calls it.
    pub name: &'static str,
    /// The program, in the folder of this one.
    pub program: &'static str,
    /// The package whose version the table names; ours has none worth naming.
    pub package: Option<&'static str>,
    /// What is not comparable.
    pub otherwise: &'static str,
}

/// Rehearsal, and then the peers.
pub const CONTENDERS: [Contender; 6] = [
    Contender {
        name: "Rehearsal",
        program: "on-rehearsal",
        package: None,
        otherwise: "typed messages that are not encoded; latency uniform from 1 to 10 ms, links reorder. On while \
            measured: a digest of every event, a fact per delivery that one monitor reads, the draws for loss and \
            duplication (of which none happens), a disk per node that nobody uses. A cancelled timer leaves the queue.",
    },
    Contender {
        name: "madsim, TCP",
        program: "on-madsim-streams",
        package: Some("madsim"),
        otherwise: "bytes over its TCP streams, which is faster than its datagrams; latency uniform from 1 to 10 ms, each \
            direction of a connection in order. A cancelled timer stays queued until it is due. No digest (determinism \
            is checked by running twice and comparing the random draws), no monitor, no loss of unsynced writes; loss, \
            clogged nodes and links, kills and restarts exist and are off.",
    },
    Contender {
        name: "madsim, datagrams",
        program: "on-madsim-datagrams",
        package: Some("madsim"),
        otherwise: "the same with its Endpoints, whose links reorder as ours do. Sending and receiving each sleep at \
            least 1 virtual ms besides, which is two more timers per message; the server of W2 needs several tasks to \
            keep up.",
    },
    Contender {
        name: "turmoil",
        program: "on-turmoil",
        package: Some("turmoil"),
        otherwise: "bytes over its UDP sockets; latency from 1 to 10 ms, drawn from an exponential distribution. \
            Time goes in fixed ticks (1 ms, its default), in each of which every host's own tokio runtime is polled, \
            whether it has work or not: larger ticks would be faster and coarser. Loss is a broken link that later \
            mends, not a lost message. No digest, no monitor; crashes, partitions and holds exist and are off, its disk \
            is an unstable feature and not built.",
    },
    Contender {
        name: "commonware-runtime",
        program: "on-commonware-runtime",
        package: Some("commonware-runtime"),
        otherwise: "its network has no latency, so a link is a task between two channels that sleeps 1 to 10 ms, in \
            order; numbers are sent, nothing is encoded. Each turn of its loop takes 1 virtual ms (its default). Its \
            digest, a CRC-32C of every poll and every draw, is on, as are its metrics; neither can be turned off. A \
            cancelled timer stays queued until it is due. No monitor, no faults of links, no crash of one node; its \
            storage can lose unsynced writes and fail, and is not used.",
    },
    Contender {
        name: "commonware-p2p",
        program: "on-commonware-p2p",
        package: Some("commonware-p2p"),
        otherwise: "the same runtime with its simulated network of peers: bytes in frames between peers who are known by \
            public keys (nothing is encrypted or signed per message), links in order, latency normal with the mean \
            and the deviation of 1 to 10 ms, a rate limit that is never reached. Loss per message exists and is off.",
    },
];

impl Contender {
    /// Name and version, the version being the one that this workspace is locked to.
    pub fn title(&self) -> String {
        match self.package {
            None => self.name.to_string(),
            Some(package) => {
                self.name.replacen(package, &format!("{package} {}", locked_version(package)), 1)
            }
        }
    }
}

fn locked_version(package: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{package}\"\nversion = \""));
    let version = entry.and_then(|(_, rest)| rest.split_once('"'));
    version.map(|(version, _)| version).expect("the package is in the lock file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_is_named_with_the_version_that_is_built() {
        for contender in &CONTENDERS[1..] {
            let title = contender.title();
            let package = contender.package.expect("a peer has a version");
            let rest = title.strip_prefix(package).expect("its name begins with its package");
            let version = rest.split_whitespace().next().expect("a version follows").trim_end_matches(',');
            assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{title}");
        }
        assert_eq!(CONTENDERS[0].title(), "Rehearsal");
    }
}
