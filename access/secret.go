package access

import (
	"os"
	"strings"

	"orrery.dev"
	"orrery.dev/declare"
)

// maxSecret bounds a secret's file, in bytes.
const maxSecret = 1 << 20

// Reference is where a secret is: an environment variable or a file.
type Reference struct {
	// Env or File is set, the other empty.
	Env, File string
}

// ParseReference reads ${env:NAME} or ${file:PATH}; ok is false for other text,
// which would be the secret itself.
func ParseReference(text string) (r Reference, ok bool) {
	by, name, ok := declare.Reference(text)
	if by == "env" {
		return Reference{Env: name}, ok
	}
	return Reference{File: name}, ok
}

// Resolve gives the secret. A file's last line break is not part of it. No error
// says anything of a secret's content.
func (r Reference) Resolve() (string, error) {
	if r.Env != "" {
		value, ok := os.LookupEnv(r.Env)
		if !ok || value == "" {
			return "", orrery.Errorf(orrery.Invalid, "secret_missing", "the environment variable %s is not set", r.Env).
				WithNext("set it to the secret, in the environment of orrery")
		}
		return value, nil
	}
	info, err := os.Stat(r.File)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSecret) {
		return "", orrery.Errorf(orrery.Invalid, "secret_unreadable", "%s is no file that can hold a secret", r.File).
			WithNext("name a regular file of at most %d bytes", maxSecret)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(r.File)
	}
	if err != nil {
		return "", orrery.Errorf(orrery.Invalid, "secret_unreadable", "the secret in %s cannot be read", r.File).Because(err).
			WithNext("check the path, and that orrery may read it")
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		return "", orrery.Errorf(orrery.Invalid, "secret_missing", "%s is empty", r.File).WithNext("write the secret into it")
	}
	return secret, nil
}
