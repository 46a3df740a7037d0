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

// tryFlags are doctor's, for trying a real server.
type tryFlags struct {
	Try      string `placeholder:"GUILD" help:"Try on this server of yours, by its id, everything of Discord that Snug relies on, and compare it with what the simulated Discord does. Asks before it begins."`
	Yes      bool   `help:"With --try: begin without asking, and write the record without asking."`
	Operator string `placeholder:"USER" help:"With --try: who gets the one direct message; unless given, the application's owner."`
	Member   string `placeholder:"USER" help:"With --try: a test member, timed out or not verified, to look at."`
	MemberIs string `placeholder:"WHAT" help:"With --member: what you know they are, timed-out or pending; unless given, what Discord says is taken for true."`
	Record   string `type:"path" placeholder:"FILE" help:"With --try: write down what Discord answered, without any text or id of it. It is shown first."`
	Replay   string `type:"existingfile" placeholder:"FILE" help:"Compare such a record with the simulated Discord; needs no configuration."`

	In io.Reader `kong:"-"` // where answers come from; nil: standard input
}

// asked says whether the doctor is to try instead of look.
func (f *tryFlags) asked() bool { return f.Try != "" || f.Replay != "" }

const whatTryDoes = `This tries Discord with the bot on the server %s. It
  makes a category and two voice channels named snug-trial-…, which nobody but the bot and administrators sees,
  and for a moment %s%s;
  changes their permissions, seats, names and status, posts in one of them, makes an invite to it;
  has the bot itself join, be moved and leave; sends one direct message, to %s;
  and removes all of it. It changes no member, role or setting, nor anything that was there before.
It takes about a minute. Do it while Snug is stopped, or by a bot of its own: both would answer for the server.
`

var errDiffers = errors.New("Discord differs from what Snug expects; the report says how. Please send it to Snug's makers, with a record by --record if you like")

func (c *doctorCmd) try(w world) error {
	if c.Replay != "" {
		return c.replay(w)
	}
	if c.BotToken == "" {
		return errors.New("DISCORD_BOT_TOKEN is missing: it is the bot that tries")
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
			return fmt.Errorf("%s %q is not a Discord id: switch on Developer Mode in Discord, and copy it from the server's or the person's menu",
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
		return fmt.Errorf("--member-is says that the member of --member is %s or %s; give both, or neither",
			trial.IsTimedOut, trial.IsPending)
	}
	member := ""
	if o.Member != 0 {
		member = " and the user " + o.Member.String()
	}
	fmt.Fprintf(w.out, whatTryDoes, o.Guild, operator, member, operator)
	if ok, err := c.confirm(w, "Begin?"); err != nil || !ok {
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

// confirm asks a question; anything but yes is no.
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
		return false, errors.New("nobody answered. For scripts there is --yes")
	}
	if !strings.EqualFold(strings.TrimSpace(line), "yes") {
		fmt.Fprintln(w.out, "Nothing was done.")
		return false, nil
	}
	return true, nil
}

// record shows what is to be written, and writes it for the operator alone.
func (c *doctorCmd) record(w world, rec trial.Record) error {
	if c.Record == "" {
		return nil
	}
	text, err := rec.Text()
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%s\nThis is all that the record holds. It is sent nowhere.\n", text)
	if ok, err := c.confirm(w, "Write it to "+c.Record+"?"); err != nil || !ok {
		return err
	}
	f, err := os.OpenFile(c.Record, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the record cannot be written: %w. Choose a file that is not there yet", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// replay compares a record with the simulated Discord of this version.
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
