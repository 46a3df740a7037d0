// Package dm is the arithmetic of budgets for direct messages: how many new
// ones a bot opens, for all and for each person who causes them, how many
// messages a person gets, and how long a bot holds back after Discord said
// that it opens too many.
//
// Discord quarantines bots that open many direct messages in a short time: such
// a bot joins no server and messages nobody new until somebody has appealed. It
// does not publish the threshold; reports begin at about 29 in a row. It does no
// I/O and reads no clock; its values are plain data.
// https://docs.discord.com/developers/resources/user#create-dm
package dm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Rate is at most so many in a stretch of time.
type Rate struct {
	N  int
	In time.Duration
}

// Rates hold together. They are written like "10/10m,200/24h".
type Rates []Rate

// mostTimes bounds what is remembered: the budgets of the bot are one document.
const mostTimes = 5000

// String writes the rates as UnmarshalText reads them.
func (r Rates) String() string {
	parts := make([]string, len(r))
	for i, one := range r {
		parts[i] = fmt.Sprintf("%d/%s", one.N, short(one.In))
	}
	return strings.Join(parts, ",")
}

// short writes a span without the zeros at its end.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// UnmarshalText reads rates such as "3/1h,10/24h".
func (r *Rates) UnmarshalText(b []byte) error {
	var list Rates
	for part := range strings.SplitSeq(string(b), ",") {
		count, span, ok := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.Atoi(count)
		in, e := time.ParseDuration(span)
		if !ok || err != nil || e != nil || n < 0 || n > mostTimes || in < time.Second || in > 7*24*time.Hour {
			return fmt.Errorf("%q is not a number of times in a while. Write it like 3/10m,15/24h: at most %d times, in up to seven days",
				part, mostTimes)
		}
		list = append(list, Rate{n, in})
	}
	*r = list
	return nil
}

// next gives when one more is within the rates, zero if it is now. times are in their order.
func (r Rates) next(times []time.Time, now time.Time) (at time.Time) {
	for _, one := range r {
		lately := times[oldIn(times, now, one.In):]
		switch {
		case len(lately) < one.N:
		case one.N == 0:
			at = later(at, now.Add(one.In))
		default:
			at = later(at, lately[len(lately)-one.N].Add(one.In))
		}
	}
	return at
}

// oldIn counts the first times that are a span old or more.
func oldIn(times []time.Time, now time.Time, span time.Duration) int {
	if i := slices.IndexFunc(times, func(t time.Time) bool { return now.Sub(t) < span }); i >= 0 {
		return i
	}
	return len(times)
}

func (r Rates) longest() (span time.Duration) {
	for _, one := range r {
		span = max(span, one.In)
	}
	return span
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Limits are the budgets.
type Limits struct {
	Bot       Rates         // direct messages the bot opens with people who have none with it yet
	Sender    Rates         // of these, what one person causes
	Recipient Rates         // messages that one person gets
	Pause     time.Duration // after Discord said "too fast", nothing is opened for so long; each time twice as long
	Longest   time.Duration // and never longer than this
}

// Defaults are budgets well below where quarantine was reported.
func Defaults() Limits {
	return Limits{
		Bot:       Rates{{10, 10 * time.Minute}, {200, 24 * time.Hour}},
		Sender:    Rates{{3, 10 * time.Minute}, {15, 24 * time.Hour}},
		Recipient: Rates{{3, time.Hour}, {10, 24 * time.Hour}}, Pause: 10 * time.Minute, Longest: 6 * time.Hour,
	}
}

// Check says what is wrong with the limits.
func (l Limits) Check() error {
	switch {
	case len(l.Bot) == 0 || len(l.Sender) == 0 || len(l.Recipient) == 0:
		return errors.New("a budget for direct messages is missing. Write it like 10/10m,200/24h")
	case l.Pause < time.Minute || l.Longest < l.Pause || l.Longest > 7*24*time.Hour:
		return fmt.Errorf("direct messages pause from %s to %s after Discord said that there are too many. Choose at least a minute, and a longest pause of no less than the first and at most seven days",
			l.Pause, l.Longest)
	}
	return nil
}

// Reason says which budget has nothing left.
type Reason string

// The reasons.
const (
	HeldBot       Reason = "bot"
	HeldSender    Reason = "sender"
	HeldRecipient Reason = "recipient"
	HeldPaused    Reason = "paused"
)

// Held is why a message is not sent now; Until is when it could be.
type Held struct {
	Why   Reason
	Until time.Time
}

// Error names the budget, for the log.
func (h *Held) Error() string {
	return fmt.Sprintf("no direct message: the budget %q has nothing left before %s", h.Why,
		h.Until.UTC().Format(time.RFC3339))
}

// Opening is a direct message that was opened, and by whose doing.
type Opening struct {
	By snowflake.ID `json:"by"`
	At time.Time    `json:"at"`
}

// Account is one document of budgets: the bot's, or a recipient's.
type Account struct {
	// Opened, of the bot: what it opened lately, the oldest first.
	Opened []Opening `json:"opened,omitempty"`
	// PausedAt and PausedUntil, of the bot: since and until when it opens nothing, because Discord said "too fast".
	PausedAt    time.Time `json:"paused_at,omitzero"`
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// Channel, of a recipient: where direct messages with them are; 0: none were opened.
	Channel snowflake.ID `json:"channel,omitempty"`
	// Sent, of a recipient: when they were written to lately.
	Sent []time.Time `json:"sent,omitempty"`
}

// Open takes one opening from the bot's budget and the sender's; otherwise it fails with a *Held and takes nothing.
func (a *Account) Open(l Limits, sender snowflake.ID, now time.Time) error {
	if now.Before(a.PausedUntil) {
		return &Held{HeldPaused, a.PausedUntil}
	}
	all, mine := a.times(0, now), a.times(sender, now)
	if at := l.Sender.next(mine, now); !at.IsZero() {
		return &Held{HeldSender, at}
	}
	if at := l.Bot.next(all, now); !at.IsZero() {
		return &Held{HeldBot, at}
	}
	span := max(l.Bot.longest(), l.Sender.longest())
	a.Opened = slices.DeleteFunc(a.Opened, func(o Opening) bool { return now.Sub(o.At) >= span })
	a.Opened = append(a.Opened, Opening{sender, now})
	a.Opened = a.Opened[max(0, len(a.Opened)-mostTimes):]
	return nil
}

// times are when a sender (0: anybody) had something opened. Clocks of several
// processes differ a little: what lies ahead counts as now.
func (a *Account) times(sender snowflake.ID, now time.Time) (list []time.Time) {
	for _, o := range a.Opened {
		if sender == 0 || o.By == sender {
			at := o.At
			if at.After(now) {
				at = now
			}
			list = append(list, at)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// Left is how many more can be opened now, of each of the bot's rates.
func (a *Account) Left(l Limits, now time.Time) []int {
	times, left := a.times(0, now), make([]int, len(l.Bot))
	for i, one := range l.Bot {
		left[i] = max(0, one.N-len(times[oldIn(times, now, one.In):]))
	}
	return left
}

// Write takes one message from a recipient's budget; otherwise it fails with a *Held and takes nothing.
func (a *Account) Write(l Limits, now time.Time) error {
	if err := a.Writable(l, now); err != nil {
		return err
	}
	a.Sent = append(slices.Clone(a.Sent[oldIn(a.Sent, now, l.Recipient.longest()):]), now)
	return nil
}

// Writable fails with a *Held if the recipient got as many messages as they may.
func (a *Account) Writable(l Limits, now time.Time) error {
	if at := l.Recipient.next(a.Sent, now); !at.IsZero() {
		return &Held{HeldRecipient, at}
	}
	return nil
}

// TooFast notes that Discord refused an opening asked for at a time, because
// there were too many. Refusals of what was asked before the pause began are
// of the same occasion. Quarantined says that it refuses all of them now.
func (a *Account) TooFast(l Limits, asked, now time.Time, quarantined bool) {
	if !a.PausedAt.IsZero() && !asked.After(a.PausedAt) && !quarantined {
		return
	}
	span := l.Pause
	if !a.PausedAt.IsZero() && now.Sub(a.PausedUntil) < 24*time.Hour { // a day without begins anew
		span = min(2*a.PausedUntil.Sub(a.PausedAt), l.Longest)
	}
	if quarantined {
		span = l.Longest
	}
	a.PausedAt, a.PausedUntil = now, now.Add(max(span, l.Pause))
}
