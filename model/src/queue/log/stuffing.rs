//! How a payload is kept from looking like a frame.
//!
//! Clients choose every byte of a message, and a message may well hold frames, for instance a copy of a segment.
//! Recovery looks for frames at every byte behind a broken one and must not find those. So behind each byte `ff`
//! of the payload a byte `01` is stuffed, as JPEG does with `00` (ITU-T T.81, B.1.1.5): `ff 00`, with which a frame
//! begins, stands nowhere in a stuffed payload, and none ends in `ff`.

/// The byte behind which one is stuffed.
const FIRST: u8 = 0xff;
/// The byte that is stuffed. Not that which follows on [`FIRST`] where a frame begins.
const STUFFED: u8 = 0x01;

/// Adds `payload` to `bytes`, stuffed.
pub(super) fn stuff(payload: &[u8], bytes: &mut Vec<u8>) {
    let mut from = 0;
    for at in memchr::memchr_iter(FIRST, payload) {
        bytes.extend_from_slice(&payload[from..=at]);
        bytes.push(STUFFED);
        from = at + 1;
    }
    bytes.extend_from_slice(&payload[from..]);
}

/// The payload that was stuffed. `None` when that cannot have come of it.
pub(super) fn unstuff(stuffed: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(stuffed.len());
    let mut rest = stuffed;
    while let Some(first) = memchr::memchr(FIRST, rest) {
        let (piece, behind) = rest.split_at(first + 1);
        payload.extend_from_slice(piece);
        rest = behind.strip_prefix(&[STUFFED])?;
    }
    payload.extend_from_slice(rest);
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stuffed_comes_back_and_holds_no_beginning_of_a_frame() {
        let awkward: [&[u8]; 5] = [b"", b"\xff", b"\xff\x00\xff\x01", b"\xff\xff\x00", b"\x01\xff\x01\xff"];
        for payload in awkward {
            let mut stuffed = Vec::new();
            stuff(payload, &mut stuffed);
            assert!(stuffed.windows(2).all(|pair| pair != b"\xff\x00"), "{stuffed:x?}");
            assert_ne!(stuffed.last(), Some(&0xff));
            assert_eq!(unstuff(&stuffed).as_deref(), Some(payload));
        }
    }

    #[test]
    fn what_was_never_stuffed_is_refused() {
        assert_eq!(unstuff(b"\xff"), None);
        assert_eq!(unstuff(b"\xff\x00"), None);
    }
}
