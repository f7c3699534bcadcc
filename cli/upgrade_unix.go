//go:build unix

package cli

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// notifyUpgrades has the signal that asks for a handover sent to a channel.
func notifyUpgrades(c chan os.Signal) (stop func()) {
	signal.Notify(c, syscall.SIGUSR2)
	return func() { signal.Stop(c) }
}

// askForUpgrade sends the signal to a server.
func askForUpgrade(pid int) error { return syscall.Kill(pid, syscall.SIGUSR2) }

// tellSupervisor tells systemd which process is the server from now on
// (sd_notify(3)); nothing where there is no systemd.
func tellSupervisor(pid int) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	connection, err := net.Dial("unixgram", name)
	if err != nil {
		return
	}
	defer connection.Close()
	_, _ = fmt.Fprintf(connection, "MAINPID=%d", pid)
}
