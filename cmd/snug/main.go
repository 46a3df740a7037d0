// Command snug runs Snug: private voice rooms for Discord, live on the web.
//
// It alone reads the configuration, and puts the bot, the dashboard and what they share together. Each subcommand has
// its own file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"snug/shared/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops gracefully; with the handler gone, a second one ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// cli is the command line: subcommands and flags.
type cli struct {
	Demo       demoCmd       `cmd:"" help:"${demo}"`
	Init       initCmd       `cmd:"" help:"${init}"`
	Serve      serveCmd      `cmd:"" help:"Run the bot and the dashboard."`
	Doctor     doctorCmd     `cmd:"" help:"List every problem with the setup and how to fix it."`
	Discord    discordCmd    `cmd:"" help:"Run a Discord simulator alone, to test any bot."`
	Health     healthCmd     `cmd:"" help:"${health}"`
	Cluster    clusterCmd    `cmd:"" help:"When several processes share a NATS server: show how they are."`
	NATSSetup  natsSetupCmd  `cmd:"" name:"nats-setup" help:"${nats_setup}"`
	Backup     backupCmd     `cmd:"" help:"Write rooms, settings, logins and activity to a file."`
	Restore    restoreCmd    `cmd:"" help:"Load a backup into an empty data folder or cluster."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a script that completes commands and flags in your shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`

	TellVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// world is what a command may use besides its flags: its context and the standard streams.
type world struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run runs the program and returns its exit status: 0, 1 for a failure, 2 for a command line it can't read.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	var c cli
	status, exited := 0, false
	parser, err := newParser(&c, kong.Writers(out, errw), kong.Resolvers(config.Sources()),
		kong.Exit(func(code int) { status, exited = code, true }))
	if err != nil {
		fmt.Fprintln(errw, "snug:", err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if os.Getenv("COMP_LINE") != "" { // a shell asks for completions
		kongplete.Complete(parser, kongplete.WithExitFunc(func(int) { exited = true }))
	}
	if exited {
		return 0
	}
	args = arranged(parser.Model, args)
	k, err := parser.Parse(args)
	if exited { // --help or --version
		return status
	}
	if err != nil {
		if said := noSuchCommand(parser.Model, args, err); said != "" {
			fmt.Fprintf(errw, "snug: %s\nTry: snug --help\n", said)
			return 2
		}
		about := ""
		if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context.Selected() != nil {
			about = p.Context.Selected().Name + " "
		}
		fmt.Fprintf(errw, "snug: %s\nTry: snug %s--help\n",
			strings.ReplaceAll(err.Error(), "(from envar ", "(from the variable "), about)
		return 2
	}
	if err := k.Run(world{ctx, os.Stdin, out, errw}); err != nil {
		tell(errw, err)
		return 1
	}
	return 0
}

// newParser returns the parser of the command line, which fills in c.
func newParser(c *cli, o ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name("snug"), kong.Description("Private voice rooms for Discord, live on the web."),
		kong.Vars{"version": "snug " + versionName()}, config.Help(), help(), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}, o...)...)
}

// logger returns the log that c describes, or an error that says what's wrong with c.
func logger(c config.Log, w io.Writer) (*slog.Logger, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), nil
}
