//! Nothing holds more than its window, and everything ends, in whatever order answers come.

use super::*;
use crate::rng::Rng;
use proptest::prelude::*;

/// Drives an upload with answers in an order made from `seed`, counting what it and its driver hold.
fn upload_in_disorder(data: &Bytes, seed: u8, config: &Config) -> Content {
    let mut rng = Rng::from_seed([seed; 32]);
    let mut upload = Upload::new(vault(1).keys(), config);
    let (mut provided, mut given_out) = (0, 0);
    let mut sealing: Vec<(u64, Secret<32>, Bytes)> = vec![];
    let mut storing: Vec<(u64, usize)> = vec![];
    loop {
        while let Some(step) = upload.poll() {
            match step {
                UploadStep::Seal { slot, dedup_key, payload } => {
                    // Nodes of the manifest come on top of what was provided.
                    given_out += if dedup_key == vault(1).keys().read.dedup_data { payload.len() } else { 0 };
                    sealing.push((slot, dedup_key, payload));
                }
                UploadStep::Piece { slot, bytes, .. } => storing.push((slot, bytes.len())),
            }
            let sealing_bytes: usize =
                sealing.iter().map(|(.., p)| p.len() + padded_len(p.len() as u32) as usize).sum();
            let storing_bytes: usize = storing.iter().map(|(_, len)| len).sum();
            let held = provided - given_out + sealing_bytes + storing_bytes;
            assert!(held <= config.client_window.max(2 * limit::BLOB), "{held} bytes are held");
            assert!(sealing.len() + storing.len() <= config.pieces_in_flight.max(1));
        }
        if let Some(content) = upload.result() {
            return content;
        }
        let want = upload.want().min(data.len() - provided);
        match rng.below(4) {
            0 if !sealing.is_empty() => {
                let (slot, key, payload) = sealing.swap_remove(rng.below(sealing.len() as u32) as usize);
                upload.sealed(slot, seal(&key, &payload)).unwrap();
            }
            1 if !storing.is_empty() => {
                let (slot, _) = storing.swap_remove(rng.below(storing.len() as u32) as usize);
                upload.stored(slot).unwrap();
            }
            2 if want > 0 => {
                let take = 1 + rng.below(want as u32) as usize;
                upload.provide(data.slice(provided..provided + take)).unwrap();
                provided += take;
            }
            _ if provided == data.len() => drop(upload.finish()),
            _ => assert!(want > 0 || !sealing.is_empty() || !storing.is_empty(), "it is stuck"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_upload_holds_at_most_its_window_and_ends_alike_in_any_order(
        seed: u8,
        window in prop_oneof![Just(0), Just(9 << 20), Just(16 << 20), Just(64 << 20)],
        pieces_in_flight in 0..12usize,
    ) {
        let data = bytes(1, 20 << 20);
        let config = Config { client_window: window, pieces_in_flight, ..Config::default() };
        prop_assert_eq!(upload_in_disorder(&data, seed, &config), upload(&vault(1), &data, 1 << 20).0);
    }

    #[test]
    fn a_download_holds_at_most_its_window_and_delivers_in_order(
        seed: u8,
        window in prop_oneof![Just(0), Just(5 << 20), Just(16 << 20)],
        pieces_in_flight in 0..12usize,
    ) {
        let data = bytes(1, 20 << 20);
        let (content, blobs) = upload(&vault(1), &data, 4 << 20);
        let config = Config { client_window: window, pieces_in_flight, ..Config::default() };
        let back = download_in_disorder(&root_of(&content), &blobs, seed, &config);
        prop_assert!(back == data);
    }
}

fn download_in_disorder(root: &Root, blobs: &Blobs, seed: u8, config: &Config) -> Vec<u8> {
    let mut rng = Rng::from_seed([seed; 32]);
    let mut download = Download::new(root.clone(), 0, root.length, config).unwrap();
    let (mut data, mut unused, mut fetching, mut opening) = (vec![], 0, vec![], vec![]);
    loop {
        while let Some(step) = download.poll() {
            match step {
                DownloadStep::Fetch { slot, id, len } => fetching.push((slot, id, len as usize)),
                DownloadStep::Open { slot, id, key, blob, plain_len } => {
                    opening.push((slot, id, key, blob, plain_len))
                }
                DownloadStep::Data { bytes, .. } => {
                    unused += bytes.len();
                    data.extend_from_slice(&bytes);
                }
                DownloadStep::Done => return data,
            }
            let under_way = fetching.iter().map(|(.., len)| len).sum::<usize>()
                + opening.iter().map(|(_, _, _, blob, _)| blob.len()).sum::<usize>();
            assert!(unused + under_way <= config.client_window.max(limit::BLOB));
            assert!(download.held() <= config.client_window.max(limit::BLOB));
            assert!(fetching.len() + opening.len() <= config.pieces_in_flight.max(1));
        }
        match rng.below(3) {
            0 if !fetching.is_empty() => {
                let (slot, id, _) = fetching.swap_remove(rng.below(fetching.len() as u32) as usize);
                download.fetched(slot, blobs[&id].clone()).unwrap();
            }
            1 if !opening.is_empty() => {
                let at = rng.below(opening.len() as u32) as usize;
                let (slot, id, key, blob, plain_len) = opening.swap_remove(at);
                download.opened(slot, open_piece(Suite::Real, &id, &key, blob, plain_len)).unwrap();
            }
            2 if unused > 0 => {
                let used = 1 + rng.below(unused as u32) as usize;
                download.consumed(used);
                unused -= used;
            }
            _ => assert!(unused > 0 || !fetching.is_empty() || !opening.is_empty(), "it is stuck"),
        }
    }
}

#[test]
fn calls_that_an_upload_does_not_wait_for_change_nothing() {
    let mut upload = Upload::new(vault(1).keys(), &Config::default());
    assert_eq!(upload.stored(0), Err(UploadError::Slot));
    let too_much = Bytes::from(vec![0; upload.want() + 1]);
    assert_eq!(upload.provide(too_much), Err(UploadError::TooMuch));
    assert_eq!(upload.received(), 0);

    upload.provide(bytes(1, 100_000)).unwrap();
    upload.finish().unwrap();
    assert_eq!((upload.want(), upload.finish()), (0, Err(UploadError::Finished)));
    assert_eq!(upload.provide(Bytes::new()), Err(UploadError::Finished));
    let Some(UploadStep::Seal { slot, dedup_key, payload }) = upload.poll() else { panic!("a piece is cut") };
    assert_eq!(upload.stored(slot), Err(UploadError::Slot), "it is not sealed");
    let sealed = seal(&dedup_key, &payload);
    upload.sealed(slot, sealed.clone()).unwrap();
    assert_eq!(upload.sealed(slot, sealed), Err(UploadError::Slot), "it is sealed");
    assert_eq!(upload.stored(slot), Err(UploadError::Slot), "its blob was not handed out");
    assert!(upload.poll().is_some() && upload.result().is_none());
    upload.stored(slot).unwrap();
    assert_eq!(upload.stored(slot), Err(UploadError::Slot), "it is stored");
    assert_eq!(upload.result().unwrap().size(), 100_000);
}

#[test]
fn a_download_asks_again_for_a_blob_that_does_not_open() {
    let data = bytes(1, 100_000);
    let (content, blobs) = upload(&vault(1), &data, 1 << 20);
    let root = root_of(&content);
    let mut download = Download::new(root.clone(), 0, root.length, &Config::default()).unwrap();
    let Some(DownloadStep::Fetch { slot, id, .. }) = download.poll() else { panic!("a piece is needed") };
    let good = blobs[&id].clone();
    assert_eq!(download.fetched(slot + 1, good.clone()), Err(ManifestError::Slot));
    assert_eq!(download.opened(slot, Ok(good.clone())), Err(ManifestError::Slot), "nothing came yet");
    let short = good.slice(1..);
    assert_eq!(download.fetched(slot, short), Err(ManifestError::Open(OpenError::Hash)));

    download.fetched(slot, vec![0; good.len()].into()).unwrap();
    let Some(DownloadStep::Open { id, key, blob, plain_len, .. }) = download.poll() else {
        panic!("it came")
    };
    let opened = open_piece(Suite::Real, &id, &key, blob, plain_len);
    assert_eq!(download.opened(slot, opened), Err(ManifestError::Open(OpenError::Hash)));
    assert!(download.poll().is_none(), "the caller decides whether there is another copy");

    download.fetched(slot, good).unwrap();
    let Some(DownloadStep::Open { id, key, blob, plain_len, .. }) = download.poll() else {
        panic!("it came")
    };
    download.opened(slot, open_piece(Suite::Real, &id, &key, blob, plain_len)).unwrap();
    assert!(matches!(download.poll(), Some(DownloadStep::Data { bytes, .. }) if bytes == data));
}
