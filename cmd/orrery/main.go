// Command orrery takes an AI system the whole way in production.
package main

import (
	"os"

	"orrery.dev/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
