// Command discordsim runs the Discord simulator by itself, for bots in any language. discordsim --help says how.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"snug/shared/discordsim/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops gracefully; with the handler gone, a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the program and returns its exit status: 0, 1 for a failure, 2 for a command line it can't read.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	var flags program.Flags
	status, exited := 0, false
	parser, err := kong.New(&flags, kong.Name("discordsim"), kong.Vars(program.Help()), kong.Writers(out, errw),
		kong.Description("A Discord simulator on this machine, to test bots: REST, gateway, OAuth2, and a page."),
		kong.Exit(func(code int) { status, exited = code, true }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	switch {
	case exited: // --help
		return status
	case err != nil:
		fmt.Fprintf(errw, "discordsim: %v\nTry: discordsim --help\n", err)
		return 2
	}
	if err := flags.Serve(ctx, out, errw); err != nil {
		fmt.Fprintf(errw, "discordsim: %s\n", strings.TrimPrefix(err.Error(), "discordsim: "))
		return 1
	}
	return 0
}
