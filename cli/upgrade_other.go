//go:build !unix

package cli

import (
	"os"

	"orrery.dev"
)

func notifyUpgrades(chan os.Signal) (stop func()) { return func() {} }

func askForUpgrade(int) error {
	return orrery.Errorf(orrery.Unavailable, "upgrade_unsupported", "a process cannot hand over to another on this system").
		WithNext("stop the server and start the new one")
}

func tellSupervisor(int) {}
