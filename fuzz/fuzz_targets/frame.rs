//! Any text as a frame: reading never panics, and what is read survives being written and packed again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use peerpoll::protocol::message::{
    FRAME_BYTES_MAX, FRAME_MESSAGES_MAX, Message, pack, parse_frame,
};

fuzz_target!(|text: &str| {
    let Ok(messages) = parse_frame(text, FRAME_BYTES_MAX) else { return };
    assert!(text.len() <= FRAME_BYTES_MAX);
    assert!((1..=FRAME_MESSAGES_MAX).contains(&messages.len()));
    for message in &messages {
        // Numbers and escapes may be longer as we write them than as they came.
        assert_eq!(
            parse_frame(&message.to_json(), usize::MAX).as_ref(),
            Ok(&vec![message.clone()])
        );
    }
    let small: Vec<Message> =
        messages.into_iter().filter(|m| m.to_json().len() <= FRAME_BYTES_MAX).collect();
    let packed = pack(small.iter().map(Message::to_json));
    let unpacked = packed.iter().flat_map(|frame| {
        parse_frame(frame, FRAME_BYTES_MAX).expect("packed frames keep the limits")
    });
    assert_eq!(unpacked.collect::<Vec<_>>(), small);
});
