package commands

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/disgoorg/disgo/discord"

	"snug/shared/testkit"
)

const docs = "../../docs/commands.md"

// TestDocs: docs/commands.md is made from the definitions.
func TestDocs(t *testing.T) { testkit.Generated(t, docs, describe(t)) }

// kinds are what Discord calls the types of options.
func kindOf(d defined) string {
	what := map[int]string{3: "text", 4: "whole number", 5: "yes or no", 6: "person", 7: "channel", 8: "role"}[d.Type]
	switch {
	case d.MinValue != nil && d.MaxValue != nil:
		what += fmt.Sprintf(", %d to %d", *d.MinValue, *d.MaxValue)
	case d.Autocomplete:
		what = "chosen from a list while typing"
	case d.MaxLength != nil:
		what += fmt.Sprintf(", up to %d characters", *d.MaxLength)
	}
	return what
}

func describe(t *testing.T) string {
	t.Helper()
	c := testkit.Catalog(t)
	var b strings.Builder
	b.WriteString(`# Commands

<!-- Made from the definitions by: make generate -->

Type ` + "`/`" + ` in Discord to see them; each answer is seen by you alone. Commands about a room mean the room whose
chat you type in, else the one you sit in, else your own; the option ` + "`room`" +
		` names another. The control panel in
a room's own chat does the same with buttons.

`)
	for _, d := range definitions(t) {
		if d.Type == int(discord.ApplicationCommandTypeUser) {
			fmt.Fprintf(&b,
				"## %s\n\nIn the menu of a person, under Apps. "+
					"Lets them into your room at once and sends them the link.\n\n",
				d.Name)
			continue
		}
		fmt.Fprintf(&b, "## /%s\n\n%s.\n", d.Name, d.Description)
		if d.Permissions != nil {
			b.WriteString("For members with the Manage Server permission, " +
				"unless the server's settings for integrations say otherwise.\n")
		}
		b.WriteString("\n")
		describeOptions(&b, "/"+d.Name, d.Options)
	}
	b.WriteString("## In other languages\n\n" +
		"Discord shows commands in each person's language; Snug answers in it too.\n\n| English |")
	var others []string
	for _, l := range c.Languages()[1:] {
		fmt.Fprintf(&b, " %s |", l.Name)
		others = append(others, l.Locales[0])
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(others)) + "\n")
	translate(&b, "", make([]string, len(others)), others, definitions(t))
	return b.String()
}

func describeOptions(b *strings.Builder, path string, list []defined) {
	var own []defined
	for _, d := range list {
		if d.Type > 2 {
			own = append(own, d)
			continue
		}
		here := path + " " + d.Name
		if d.Type == 1 {
			fmt.Fprintf(b, "### %s\n\n%s.\n\n", here, d.Description)
		}
		describeOptions(b, here, d.Options)
	}
	if len(own) == 0 {
		return
	}
	b.WriteString("| option | | |\n| --- | --- | --- |\n")
	for _, d := range own {
		name := "`" + d.Name + "`"
		if d.Required {
			name += " (needed)"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, kindOf(d), d.Description)
	}
	b.WriteString("\n")
}

// translate lists what commands are called in other languages.
func translate(b *strings.Builder, path string, before, locales []string, list []defined) {
	for _, d := range list {
		if d.Type > 2 && path != "" {
			continue
		}
		sign := "/"
		if d.Type == int(discord.ApplicationCommandTypeUser) && path == "" {
			sign = ""
		}
		names := slices.Clone(before)
		for i, l := range locales {
			names[i] = strings.TrimSpace(names[i] + " " + d.Names[l])
		}
		here := strings.TrimSpace(path + " " + d.Name)
		if !slices.ContainsFunc(d.Options, func(o defined) bool { return o.Type <= 2 }) || sign == "" {
			fmt.Fprintf(b, "| %s%s |", sign, here)
			for _, n := range names {
				fmt.Fprintf(b, " %s%s |", sign, n)
			}
			b.WriteString("\n")
			continue
		}
		translate(b, here, names, locales, d.Options)
	}
}
