//! Published test vectors of every primitive, used as data. The source stands above each table.

use super::{array, hex};
use crate::crypto::{LinkIdentity, Secret, Signature, Suite};
use aes::Aes256;
use aes::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};
use alloc::vec;
use alloc::vec::Vec;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};

/// NIST, "Secure Hash Standard" examples (FIPS 180-4; csrc.nist.gov, public domain).
#[test]
fn sha_256_gives_the_hashes_of_fips_180_4() {
    let million = vec![b'a'; 1_000_000];
    let vectors: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (message, hash) in vectors {
        assert_eq!(Suite::Real.hash(&[message]), array(hash));
        let (front, back) = message.split_at(message.len() / 3);
        assert_eq!(Suite::Real.hash(&[front, back]), array(hash), "in parts");
    }
}

/// RFC 4231, test cases 1 to 4, 6 and 7 (5 is of a cut output).
#[test]
fn hmac_gives_the_tags_of_rfc_4231() {
    let counting: Vec<u8> = (1..=25).collect();
    let vectors: [(&[u8], &[u8], &str); 6] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (&counting, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, tag) in vectors {
        let (front, back) = message.split_at(message.len() / 2);
        assert_eq!(Suite::Real.hmac(key, &[front, back]), array(tag));
        assert!(Suite::Real.hmac_matches(key, &[message], &hex(tag)));
    }
}

#[test]
fn a_tag_that_is_altered_or_cut_does_not_match() {
    for suite in super::SUITES {
        let mut tag = suite.hmac(b"key", &[b"message"]);
        assert!(suite.hmac_matches(b"key", &[b"message"], &tag));
        assert!(!suite.hmac_matches(b"key", &[b"message"], &tag[..31]));
        assert!(!suite.hmac_matches(b"key", &[b"message"], &[]));
        tag[31] ^= 1;
        assert!(!suite.hmac_matches(b"key", &[b"message"], &tag));
    }
}

/// RFC 5869, appendix A.1 to A.3.
#[test]
fn hkdf_gives_the_keys_of_rfc_5869() {
    let counting = |from: u8, len: u8| (0..len).map(|i| from + i).collect::<Vec<u8>>();
    let vectors = [
        (
            vec![0x0b; 22],
            counting(0, 13),
            counting(0xf0, 10),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            counting(0, 80),
            counting(0x60, 80),
            counting(0xb0, 80),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
             da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (entropy, salt, info, extracted, expanded) in vectors {
        let key = Suite::Real.extract(&salt, &entropy);
        assert_eq!(key, Secret::new(array(extracted)));
        let mut out = vec![0; hex(expanded).len()];
        Suite::Real.expand_info(&key, &info, &mut out);
        assert_eq!(out, hex(expanded));
    }
}

/// NIST SP 800-38A, F.5.5 (CTR-AES256.Encrypt). Its counter does not leave the lower 64 bits.
#[test]
fn both_counter_widths_give_the_ciphertext_of_sp_800_38a() {
    let key: [u8; 32] = array("603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4");
    let counter: [u8; 16] = array("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let plain = hex("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
         30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
    let cipher = hex("601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
         2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6");
    let mut narrow = plain.clone();
    ctr::Ctr64BE::<Aes256>::new(&key.into(), &counter.into()).apply_keystream(&mut narrow);
    assert_eq!(narrow, cipher);
    let mut wide = plain;
    ctr::Ctr128BE::<Aes256>::new(&key.into(), &counter.into()).apply_keystream(&mut wide);
    assert_eq!(wide, cipher);
}

#[test]
fn the_keystream_is_aes_256_of_a_counter_from_zero_in_either_width() {
    let key = [0x5a; 32];
    let len = crate::config::limit::BLOB;
    let mut ours = vec![0; len];
    Suite::Real.apply_keystream(&key, &mut ours);
    let mut wide = vec![0; len];
    ctr::Ctr128BE::<Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(&mut wide);
    assert!(ours == wide, "64 and 128 bits of counter differ");
    for block in [0, 1, 255, 256, len / 16 - 1] {
        let mut expected = Block::<Aes256>::from((block as u128).to_be_bytes());
        Aes256::new(&key.into()).encrypt_block(&mut expected);
        assert_eq!(ours[16 * block..][..16], expected[..]);
    }
}

/// The official vectors of BLAKE3, test_vectors.json, first 32 bytes of `keyed_hash` (github.com/BLAKE3-team/BLAKE3, CC0).
#[test]
fn fingerprints_are_the_keyed_hashes_of_blake3() {
    let key = Secret::new(*b"whats the Elvish word for friend");
    let vectors = [
        (0, "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"),
        (1, "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"),
        (1023, "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e"),
        (1024, "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4"),
        (1025, "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69"),
        (5121, "6ccf1c34753e7a044db80798ecd0782a8f76f33563accaddbfbb2e0ea4b2d024"),
        (7169, "ed9b1a922c046fdb3d423ae34e143b05ca1bf28b710432857bf738bcedbfa511"),
    ];
    for (len, hash) in vectors {
        let input: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        assert_eq!(Suite::Real.fingerprint(&key, &input), Secret::new(array(hash)), "{len} bytes");
    }
}

/// RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc).
#[test]
fn ed25519_gives_the_signatures_of_rfc_8032() {
    use ed25519_dalek::Signer as _;
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
             387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
             4a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
             454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030\
             3dca179c138ac17ad9bef1177331a704",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let key = ed25519_dalek::SigningKey::from_bytes(&array(seed));
        assert_eq!(key.sign(&hex(message)).to_bytes(), array::<64>(signature));
        let ours = crate::crypto::SigningKey::from_seed(Suite::Real, Secret::new(array(seed)));
        assert_eq!(ours.public(), &array::<32>(public));
        assert!(Suite::Real.verify(ours.public(), &hex(message), &Signature(array(signature))));
    }
}

/// RFC 7748, 5.2 (first vector) and 6.1.
#[test]
fn x25519_gives_the_keys_of_rfc_7748() {
    let product = x25519_dalek::x25519(
        array("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        array("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    );
    assert_eq!(product, array::<32>("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));

    let alice_secret: [u8; 32] = array("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob_secret: [u8; 32] = array("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let alice = LinkIdentity::from_secret(Suite::Real, Secret::new(alice_secret));
    let bob = LinkIdentity::from_secret(Suite::Real, Secret::new(bob_secret));
    assert_eq!(
        alice.public(),
        &array::<32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    );
    assert_eq!(
        bob.public(),
        &array::<32>("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    );
    let shared = array::<32>("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(x25519_dalek::x25519(*alice.secret().expose(), *bob.public()), shared);
    assert_eq!(x25519_dalek::x25519(*bob.secret().expose(), *alice.public()), shared);
}

/// RFC 9106, 5.3. It uses a secret and associated data, which we do not, so the crate itself is tested.
#[test]
fn argon2id_gives_the_tag_of_rfc_9106() {
    use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).output_len(32);
    params.data(AssociatedData::new(&[4; 12]).expect("12 bytes are few enough"));
    let params = params.build().expect("the parameters of the RFC");
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .expect("8 bytes are few enough");
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).expect("it runs");
    assert_eq!(tag, array("0d640df58d78766c08c037a34a8b53c9 d01ef0452d75b65eb52520e96b01e659"));
}
