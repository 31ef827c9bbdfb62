//! What a key file promises, on real files.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & PERMISSIONS
}

#[test]
fn a_key_is_made_once_and_read_again() {
    let folder = folder();
    let path = folder.path().join("new/folder/device.key");
    let made = DeviceKey::load_or_create(&path).unwrap();
    assert_eq!(DeviceKey::load_or_create(&path).unwrap().device_id(), made.device_id());
    assert_eq!(mode_of(&path), 0o600);
    assert_eq!(mode_of(folder_of(&path)), 0o700);
    assert!(!path.with_extension("new").exists());
}

#[test]
fn two_keys_differ() {
    let folder = folder();
    let node = DeviceKey::create(&folder.path().join("node.key")).unwrap();
    let root = DeviceKey::create(&folder.path().join("root.key")).unwrap();
    assert_ne!(node.device_id(), root.device_id());
}

#[test]
fn create_never_overwrites() {
    let folder = folder();
    let path = folder.path().join("device.key");
    let made = DeviceKey::create(&path).unwrap();
    assert!(matches!(DeviceKey::create(&path), Err(KeyFileError::Exists { .. })));
    assert_eq!(DeviceKey::load(&path).unwrap().device_id(), made.device_id());
}

#[test]
fn a_wider_mode_is_refused_with_the_command_that_helps() {
    let folder = folder();
    let path = folder.path().join("device.key");
    DeviceKey::create(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let message = DeviceKey::load_or_create(&path).unwrap_err().to_string();
    assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");

    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let message = DeviceKey::load_or_create(&path).unwrap_err().to_string();
    assert!(message.contains(&format!("chmod 700 {}", folder.path().display())), "{message}");
}

#[test]
fn a_key_is_not_made_in_a_folder_that_others_can_enter() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("device.key");
    assert!(matches!(DeviceKey::load_or_create(&path), Err(KeyFileError::TooOpen { .. })));
    assert!(!path.exists());
}

#[test]
fn any_truncation_or_flipped_character_is_refused_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("device.key");
    DeviceKey::create(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let truncated = (0..whole.len()).map(|size| whole[..size].to_vec());
    let flipped = (0..whole.len()).map(|index| {
        let mut bytes = whole.clone();
        bytes[index] ^= 1;
        bytes
    });
    let longer = [whole.clone(), b" ".to_vec()].concat();
    for bytes in truncated.chain(flipped).chain([longer, vec![0xff; 4096]]) {
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(DeviceKey::load_or_create(&path), Err(KeyFileError::Garbled { .. })), "{bytes:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_left_over_of_a_crash_does_not_stand_in_the_way() {
    let folder = folder();
    let path = folder.path().join("device.key");
    fs::write(path.with_extension("new"), "half a k").unwrap();
    DeviceKey::load_or_create(&path).unwrap();
    DeviceKey::load(&path).unwrap();
}

#[test]
fn a_link_in_the_place_of_the_key_is_not_followed() {
    let folder = folder();
    let real = folder.path().join("real.key");
    let link = folder.path().join("device.key");
    DeviceKey::create(&real).unwrap();
    symlink(&real, &link).unwrap();
    assert!(matches!(DeviceKey::load_or_create(&link), Err(KeyFileError::Io { .. })));
    assert!(matches!(DeviceKey::create(&link), Err(KeyFileError::Exists { .. })));
}

#[test]
fn a_folder_that_another_holds_is_reported_not_waited_for() {
    let folder = folder();
    let other = File::open(folder.path()).unwrap();
    other.lock().unwrap();
    assert!(matches!(DeviceKey::create(&folder.path().join("device.key")), Err(KeyFileError::Busy { .. })));
}

#[test]
fn debug_shows_the_public_half_only() {
    let key = DeviceKey::from_secret(&[7; 32]);
    let shown = format!("{key:?}");
    assert!(shown.contains(&key.device_id().to_string()));
    assert!(!shown.contains(&base32().encode(&[7; 32])));
}
