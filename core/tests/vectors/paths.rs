//! Where blobs lie on a disk.

use crate::Section;
use quantumsync_core::cas::PathTransform;
use quantumsync_core::crypto::Suite;

#[test]
fn a_blobs_path_is_its_hex_form_cut_into_folders() {
    let section = Section::read("paths");
    let id = Suite::Real.blob_id(b"a blob");
    for at in 0..section.count("") {
        let number = |name: &str| section.number(&format!("/{at}/{name}")) as u8;
        let transform = PathTransform::new(number("depth"), number("width")).unwrap();
        let path = section.text(&format!("/{at}/path"));
        assert_eq!(transform.path(&id), path);
        assert_eq!(transform.id(path), Some(id));
    }
}
