package pebble

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"orrery.dev"
	"orrery.dev/vault"
)

// VaultName is the file of the data directory that holds the vault.
const VaultName = "vault"

// vaultMeta is the value that says which vault the data's keys are in: its id;
// empty where it was given up.
const vaultMeta = "vault"

// vaultPort is the vault once it has been asked for.
type vaultPort struct {
	mutex sync.Mutex
	open  *vault.Vault
}

func (p *vaultPort) close() error {
	if p.open == nil {
		return nil
	}
	return p.open.Close()
}

// Vault gives the secrets of subjects. Its file is opened when first asked for,
// and made where the data has named none.
func (s *Store) Vault() (*vault.Vault, error) {
	s.vault.mutex.Lock()
	defer s.vault.mutex.Unlock()
	if s.vault.open != nil {
		return s.vault.open, nil
	}
	text, _, err := s.Meta().Get(vaultMeta)
	if err != nil {
		return nil, err
	}
	named, path := string(text), s.dir.join(VaultName)
	info, err := s.dir.fs.Stat(path)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, explain(path, err)
	case named != "":
		return nil, orrery.Errorf(orrery.Unavailable, "vault_missing", "%s is missing: without it nothing personal in the data can be read", path).
			WithNext("put the newest copy of the vault there; a backup is restored with --vault FILE, or with --without-vault where it is lost")
	default:
		if err := s.makeVault(); err != nil {
			return nil, explain(path, err)
		}
		if info, err = s.dir.fs.Stat(path); err != nil {
			return nil, explain(path, err)
		}
	}
	file, err := s.dir.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, explain(path, err)
	}
	v, err := vault.Open(file, info.Size())
	if err == nil && named != v.ID() {
		err = s.nameVault(named, v.ID(), path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.vault.open = v
	return v, nil
}

// nameVault notes whose keys the data has, the first time.
func (s *Store) nameVault(named, id, path string) error {
	if named != "" {
		return orrery.Errorf(orrery.Unavailable, "vault_other", "%s is the vault of other data", path).
			WithNext("put the vault of this data there")
	}
	return s.Meta().Put(map[string][]byte{vaultMeta: []byte(id)})
}

// GiveVaultUp notes that the vault which the data names is gone for good: all that
// is personal is read as erased, and what comes is kept in a new vault.
func (s *Store) GiveVaultUp() error { return s.Meta().Put(map[string][]byte{vaultMeta: nil}) }

// makeVault makes the vault's file, readable by its owner alone.
func (s *Store) makeVault() error {
	disk, temp := s.dir.fs, s.dir.join(VaultName+".new")
	file, err := disk.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if vfs.Root(disk) == vfs.Default {
		err = os.Chmod(temp, 0o600)
	}
	if err == nil {
		_, err = file.Write(vault.New())
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = disk.Rename(temp, s.dir.join(VaultName))
	}
	if err != nil {
		return err
	}
	return syncDir(disk, s.dir.path)
}
