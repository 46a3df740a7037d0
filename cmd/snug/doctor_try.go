package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/disgoorg/snowflake/v2"

	"snug/bot/trial"
)

// tryFlags are doctor's flags for checking a real server.
type tryFlags struct {
	Try      string `placeholder:"GUILD" help:"${try}"`
	Yes      bool   `help:"With --try: start, and write the record, without asking."`
	Operator string `placeholder:"USER" help:"${operator}"`
	Member   string `placeholder:"USER" help:"With --try: a test member to check, who is timed out or pending."`
	MemberIs string `placeholder:"WHAT" help:"${member_is}"`
	Record   string `type:"path" placeholder:"FILE" help:"${record}"`
	Replay   string `type:"existingfile" placeholder:"FILE" help:"${replay}"`

	In io.Reader `kong:"-"` // where answers come from; nil for standard input
}

// asked reports whether doctor should try a server, or a record, instead of checking the setup.
func (f *tryFlags) asked() bool { return f.Try != "" || f.Replay != "" }

const whatTryDoes = `This checks Discord with the bot on the server %s. It will
  - create a category and two voice channels named snug-trial-…, visible only to the bot and administrators,
    and for a moment to %s%s;
  - change their permissions, seats, names and status, post in one of them, and create an invite to it;
  - join, be moved and leave, as the bot only; send one direct message, to %s;
  - remove all of it. It changes no member, role or setting, and nothing that was there before.
It takes about a minute. Stop Snug first, or use a separate bot: otherwise both answer for the server.
`

var errDiffers = errors.New("Discord differs from what Snug expects; the report above says how. " +
	"Please report it to Snug's maintainers, with a record (--record) if you like")

func (c *doctorCmd) try(w world) error {
	if c.Replay != "" {
		return c.replay(w)
	}
	if c.BotToken == "" {
		return errors.New("DISCORD_BOT_TOKEN is missing. Set it to the token of the bot that should do this")
	}
	o := trial.Options{
		URL: c.DiscordURL, Token: c.BotToken, Site: c.BaseURL, Journal: filepath.Join(c.Data, "trial.json"),
	}
	for _, f := range []struct {
		name, text string
		to         *snowflake.ID
	}{{"--try", c.Try, &o.Guild}, {"--operator", c.Operator, &o.Operator}, {"--member", c.Member, &o.Member}} {
		id, err := snowflake.Parse(f.text)
		if f.text != "" && (err != nil || id == 0) {
			return fmt.Errorf("%s %q isn't a Discord id. "+
				"Turn on Developer Mode in Discord and copy it from the server's or the person's menu",
				f.name, f.text)
		}
		*f.to = id
	}
	operator := "the application's owner"
	if o.Operator != 0 {
		operator = "the user " + o.Operator.String()
	}
	if o.MemberIs = c.MemberIs; o.MemberIs != "" &&
		(o.Member == 0 || o.MemberIs != trial.IsTimedOut && o.MemberIs != trial.IsPending) {
		return fmt.Errorf("--member-is must be %s or %s, and needs --member. Set both, or neither",
			trial.IsTimedOut, trial.IsPending)
	}
	member := ""
	if o.Member != 0 {
		member = " and the user " + o.Member.String()
	}
	fmt.Fprintf(w.out, whatTryDoes, o.Guild, operator, member, operator)
	if ok, err := c.confirm(w, "Start?"); err != nil || !ok {
		return err
	}
	rec, diff, err := trial.Run(w.ctx, o)
	if err != nil {
		return err
	}
	trial.Report(w.out, rec, diff)
	if err := c.record(w, rec); err != nil {
		return err
	}
	if len(diff) > 0 {
		return errDiffers
	}
	return nil
}

// confirm asks a question. Anything but yes means no.
func (c *doctorCmd) confirm(w world, question string) (bool, error) {
	if c.Yes {
		return true, nil
	}
	fmt.Fprintf(w.out, "%s Type yes: ", question)
	in := c.In
	if in == nil {
		in = os.Stdin
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return false, errors.New("nobody answered. In scripts, use --yes")
	}
	if !strings.EqualFold(strings.TrimSpace(line), "yes") {
		fmt.Fprintln(w.out, "Nothing was done.")
		return false, nil
	}
	return true, nil
}

// record shows the record, asks, and writes it to a file that only the operator can read.
func (c *doctorCmd) record(w world, rec trial.Record) error {
	if c.Record == "" {
		return nil
	}
	text, err := rec.Text()
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%s\nThis is the whole record. It isn't sent anywhere.\n", text)
	if ok, err := c.confirm(w, "Write it to "+c.Record+"?"); err != nil || !ok {
		return err
	}
	f, err := os.OpenFile(c.Record, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("can't write the record: %w. Choose a file that doesn't exist yet", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// replay compares a record with this version's simulator.
func (c *doctorCmd) replay(w world) error {
	text, err := os.ReadFile(c.Replay)
	if err != nil {
		return err
	}
	rec, err := trial.ReadRecord(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Replay, err)
	}
	diff, err := trial.Replay(w.ctx, rec)
	if err != nil {
		return err
	}
	trial.Report(w.out, rec, diff)
	if len(diff) > 0 {
		return errDiffers
	}
	return nil
}
