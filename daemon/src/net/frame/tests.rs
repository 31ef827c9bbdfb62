//! Framing without a network.

use assist_proto::limits::FRAME_BYTES_MAX;

use super::*;

fn on_the_wire(frames: &[&[u8]]) -> Vec<u8> {
    let chunks = chunks_from_frames(frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect());
    assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
    chunks.concat()
}

#[test]
fn frames_come_back_whole_however_the_bytes_are_cut() {
    let large = vec![7; COPIED_BYTES_MAX];
    let sent: [&[u8]; 5] = [b"one", b"", &large, b"four", b"five"];
    let wire = on_the_wire(&sent);
    for piece_bytes in [1, 3, 1000, wire.len()] {
        let mut buffer = BytesMut::new();
        let mut got = Vec::new();
        for piece in wire.chunks(piece_bytes) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = take_frame(&mut buffer, FRAME_BYTES_MAX).unwrap() {
                got.push(frame);
            }
        }
        assert_eq!(got, sent);
        assert!(buffer.is_empty());
    }
}

#[test]
fn small_frames_share_one_chunk_and_large_ones_are_not_copied() {
    let large = Bytes::from(vec![7; COPIED_BYTES_MAX]);
    let frames = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two"), large.clone(), Bytes::new()];
    let chunks = chunks_from_frames(frames);
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks[1].as_ptr(), large.as_ptr());
}

#[test]
fn a_length_over_the_limit_is_refused_before_any_memory_is_taken() {
    let mut buffer = BytesMut::from(&u32::MAX.to_be_bytes()[..]);
    let capacity = buffer.capacity();
    let refused = take_frame(&mut buffer, GREETING_BYTES_MAX);
    let expected = FrameError::TooLong { size_bytes: u32::MAX as usize, frame_bytes_max: GREETING_BYTES_MAX };
    assert_eq!(refused, Err(expected));
    assert_eq!(buffer.capacity(), capacity);
}

#[test]
fn a_frame_of_just_the_limit_is_taken() {
    let mut buffer = BytesMut::from(&on_the_wire(&[&[1; 100]])[..]);
    assert_eq!(take_frame(&mut buffer, 100).unwrap().unwrap().len(), 100);
    let mut buffer = BytesMut::from(&on_the_wire(&[&[1; 101]])[..]);
    take_frame(&mut buffer, 100).unwrap_err();
}

#[test]
fn no_memory_is_held_between_frames() {
    let mut buffer = BytesMut::from(&on_the_wire(&[&[1; 5000]])[..]);
    let frame = take_frame(&mut buffer, FRAME_BYTES_MAX).unwrap().unwrap();
    assert_eq!(frame.len(), 5000);
    assert_eq!(buffer.capacity(), 0);
}
