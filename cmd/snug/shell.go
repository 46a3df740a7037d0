package main

import (
	"fmt"
	"io"

	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"
)

// completions are scripts that have each shell ask this program for completions.
var completions = map[string]string{
	"bash": "complete -C snug snug\n",
	"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -C snug snug\n",
	"fish": `function __complete_snug
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    snug
end
complete -f -c snug -a "(__complete_snug)"
`,
}

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help returns examples.
func (*completionCmd) Help() string {
	return examples(
		"snug completion bash > /etc/bash_completion.d/snug", "For bash.",
		"snug completion zsh >> ~/.zshrc", "For zsh.",
		"snug completion fish > ~/.config/fish/completions/snug.fish", "For fish.",
	)
}

// Run prints the script for a shell.
func (c *completionCmd) Run(w world) error {
	_, err := io.WriteString(w.out, completions[c.Shell])
	return err
}

type manCmd struct{}

// Help returns examples.
func (*manCmd) Help() string {
	return examples("snug man > /usr/local/share/man/man1/snug.1", "Install it; then: man snug")
}

// Run prints the manual page in roff. Examples are left to --help: the page would run their lines together.
func (*manCmd) Run(w world) error {
	p, err := newParser(&cli{})
	if err != nil {
		return err
	}
	for _, command := range p.Model.Children {
		command.Detail = ""
	}
	_, err = fmt.Fprint(w.out, mangokong.NewManPage(1, p.Model).Build(roff.NewDocument()))
	return err
}
