package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"orrery.dev"
	"orrery.dev/backup"
	"orrery.dev/store"
	"orrery.dev/store/pebble"
	"orrery.dev/vault"
)

// keepVault copies the vault of a data directory to a file, whole or not at all,
// in the place of what is there; to is empty where it shall not. ok is false where
// there is no vault.
func keepVault(dir, to string) (ok bool, err error) {
	content, err := readVault(filepath.Join(dir, pebble.VaultName))
	if errors.Is(err, fs.ErrNotExist) {
		if to == "" {
			return false, nil
		}
		return false, orrery.Errorf(orrery.NotFound, "vault_none", "%s has no vault: no field of the system is personal", dir).WithNext("leave --vault out")
	}
	if err != nil || to == "" {
		return true, err
	}
	return true, writeSecret(to, content)
}

// vaultReads is how often a vault that is written to meanwhile is read.
const vaultReads = 5

// readVault reads a vault that may be written to meanwhile: a slot that is half
// written is found by its checksum.
func readVault(path string) (content []byte, err error) {
	for range vaultReads {
		if content, err = os.ReadFile(path); err != nil {
			return nil, err
		}
		if _, err = vault.Open(vault.NewMemory(content), int64(len(content))); err == nil {
			return content, nil
		}
	}
	return nil, err
}

// writeSecret writes a file that its owner alone can read, whole or not at all.
func writeSecret(path string, content []byte) error {
	temp := path + ".new"
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return backup.SyncParent(path)
}

// vaultSource says where the vault of restored data comes from.
type vaultSource struct {
	file string
	none bool
}

// place puts the vault into what is being restored.
func (v vaultSource) place(dir string) error {
	if v.file == "" {
		return nil
	}
	content, err := readVault(v.file)
	if errors.Is(err, fs.ErrNotExist) {
		return orrery.Errorf(orrery.NotFound, "vault_missing", "there is no vault at %s", v.file).Because(err)
	}
	if err != nil {
		return err
	}
	return writeSecret(filepath.Join(dir, pebble.VaultName), content)
}

// giveUp notes that there is no vault any more.
func (v vaultSource) giveUp(st store.Store) error {
	if s, ok := st.(*pebble.Store); ok && v.none {
		return s.GiveVaultUp()
	}
	return nil
}
