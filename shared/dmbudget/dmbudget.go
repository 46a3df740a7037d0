// Package dmbudget computes budgets for direct messages: how many DM channels a
// bot may open, in total and on behalf of each user, how many messages a user may
// receive, and how long the bot pauses after Discord said that it opens too many.
//
// Discord quarantines bots that open many DM channels in a short time: such a bot can join
// no server and message nobody new until an appeal succeeds. The threshold is not published;
// reports begin at about 29 in a row. The package does no I/O and reads no clock; its values
// are plain data. https://docs.discord.com/developers/resources/user#create-dm
package dmbudget

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// Rate allows N events in any period of length In.
type Rate struct {
	N  int
	In time.Duration
}

// Rates apply together. As text they look like "10/10m,200/24h".
type Rates []Rate

// maxTimes bounds the stored times: the bot's usage is one document.
const maxTimes = 5000

// String formats the rates as UnmarshalText reads them.
func (r Rates) String() string {
	parts := make([]string, len(r))
	for i, one := range r {
		parts[i] = fmt.Sprintf("%d/%s", one.N, short(one.In))
	}
	return strings.Join(parts, ",")
}

// short formats a duration without trailing zero units.
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

// UnmarshalText parses rates such as "3/1h,10/24h".
func (r *Rates) UnmarshalText(b []byte) error {
	var list Rates
	for part := range strings.SplitSeq(string(b), ",") {
		count, span, ok := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.Atoi(count)
		in, e := time.ParseDuration(span)
		if !ok || err != nil || e != nil || n < 0 || n > maxTimes || in < time.Second || in > 7*24*time.Hour {
			return fmt.Errorf("%q is not a number of times in a while. Write it like 3/10m,15/24h: at most %d "+
				"times, in up to seven days",
				part, maxTimes)
		}
		list = append(list, Rate{n, in})
	}
	*r = list
	return nil
}

// next returns when one more event is allowed; zero means now. times are sorted.
func (r Rates) next(times []time.Time, now time.Time) (at time.Time) {
	for _, one := range r {
		recent := times[countOlder(times, now, one.In):]
		switch {
		case len(recent) < one.N:
		case one.N == 0:
			at = later(at, now.Add(one.In))
		default:
			at = later(at, recent[len(recent)-one.N].Add(one.In))
		}
	}
	return at
}

// countOlder counts the times that are at least span old. times are sorted.
func countOlder(times []time.Time, now time.Time, span time.Duration) int {
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

// Limits are the budgets for direct messages.
type Limits struct {
	Bot       Rates         // DM channels the bot opens with users who have none with it yet
	Sender    Rates         // of these, those that one user causes
	Recipient Rates         // messages that one user receives
	Pause     time.Duration // how long no DM channel is opened after Discord said "too fast"; doubled each time
	MaxPause  time.Duration // upper bound of the pause
}

// Defaults are budgets well below where quarantine was reported.
func Defaults() Limits {
	return Limits{
		Bot:       Rates{{10, 10 * time.Minute}, {200, 24 * time.Hour}},
		Sender:    Rates{{3, 10 * time.Minute}, {15, 24 * time.Hour}},
		Recipient: Rates{{3, time.Hour}, {10, 24 * time.Hour}}, Pause: 10 * time.Minute, MaxPause: 6 * time.Hour,
	}
}

// Check returns an error that says what is wrong with the limits.
func (l Limits) Check() error {
	switch {
	case len(l.Bot) == 0 || len(l.Sender) == 0 || len(l.Recipient) == 0:
		return errors.New("a budget for direct messages is missing. Write it like 10/10m,200/24h")
	case l.Pause < time.Minute || l.MaxPause < l.Pause || l.MaxPause > 7*24*time.Hour:
		return fmt.Errorf("direct messages pause from %s to %s after Discord said that there are too many. Choose "+
			"at least a minute, and a longest pause of no less than the first and at most seven days",
			l.Pause, l.MaxPause)
	}
	return nil
}

// Reason says which budget is exhausted.
type Reason string

// The reasons of an ExceededError.
const (
	ReasonBot       Reason = "bot"
	ReasonSender    Reason = "sender"
	ReasonRecipient Reason = "recipient"
	ReasonPaused    Reason = "paused"
)

// ExceededError says why a message cannot be sent now; Until is when it could be.
type ExceededError struct {
	Why   Reason
	Until time.Time
}

// Error names the budget, for the log.
func (h *ExceededError) Error() string {
	return fmt.Sprintf("no direct message: the budget %q has nothing left before %s", h.Why,
		h.Until.UTC().Format(time.RFC3339))
}

// OpenedDM records a DM channel that was opened, and the user who caused it.
type OpenedDM struct {
	By snowflake.ID `json:"by"`
	At time.Time    `json:"at"`
}

// Usage is what has been used of the budgets: one document for the bot, and one for each recipient.
type Usage struct {
	// Opened (bot only) lists the recently opened DM channels, oldest first.
	Opened []OpenedDM `json:"opened,omitempty"`
	// PausedAt and PausedUntil (bot only) are the last pause that Discord caused by saying "too fast".
	PausedAt    time.Time `json:"paused_at,omitzero"`
	PausedUntil time.Time `json:"paused_until,omitzero"`
	// Channel (recipient only) is their DM channel; 0 if none was opened.
	Channel snowflake.ID `json:"channel,omitempty"`
	// Sent (recipient only) lists when they were recently sent messages, oldest first.
	Sent []time.Time `json:"sent,omitempty"`
}

// ReserveOpen charges one opening to the bot's budget and the
// sender's, or fails with an *ExceededError and charges nothing.
func (u *Usage) ReserveOpen(l Limits, sender snowflake.ID, now time.Time) error {
	if now.Before(u.PausedUntil) {
		return &ExceededError{ReasonPaused, u.PausedUntil}
	}
	all, mine := u.times(0, now), u.times(sender, now)
	if at := l.Sender.next(mine, now); !at.IsZero() {
		return &ExceededError{ReasonSender, at}
	}
	if at := l.Bot.next(all, now); !at.IsZero() {
		return &ExceededError{ReasonBot, at}
	}
	span := max(l.Bot.longest(), l.Sender.longest())
	u.Opened = slices.DeleteFunc(u.Opened, func(o OpenedDM) bool { return now.Sub(o.At) >= span })
	u.Opened = append(u.Opened, OpenedDM{sender, now})
	u.Opened = u.Opened[max(0, len(u.Opened)-maxTimes):]
	return nil
}

// times returns when a sender (0: anybody) caused an opening, sorted.
// Clocks of processes differ a little: a time in the future counts as now.
func (u *Usage) times(sender snowflake.ID, now time.Time) (list []time.Time) {
	for _, o := range u.Opened {
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

// Left returns, for each of the bot's rates, how many DM channels can be opened now.
func (u *Usage) Left(l Limits, now time.Time) []int {
	times, left := u.times(0, now), make([]int, len(l.Bot))
	for i, one := range l.Bot {
		left[i] = max(0, one.N-len(times[countOlder(times, now, one.In):]))
	}
	return left
}

// ReserveSend charges one message to a recipient's budget, or fails with an *ExceededError and charges nothing.
func (u *Usage) ReserveSend(l Limits, now time.Time) error {
	if err := u.CheckSend(l, now); err != nil {
		return err
	}
	u.Sent = append(slices.Clone(u.Sent[countOlder(u.Sent, now, l.Recipient.longest()):]), now)
	return nil
}

// CheckSend fails with an *ExceededError if the recipient's budget is exhausted.
func (u *Usage) CheckSend(l Limits, now time.Time) error {
	if at := l.Recipient.next(u.Sent, now); !at.IsZero() {
		return &ExceededError{ReasonRecipient, at}
	}
	return nil
}

// RecordTooFast starts a pause: Discord refused an opening that was requested at
// asked, because there were too many. Refusals of requests made before the present
// pause began do not extend it. quarantined says that Discord refuses all of them now.
func (u *Usage) RecordTooFast(l Limits, asked, now time.Time, quarantined bool) {
	if !u.PausedAt.IsZero() && !asked.After(u.PausedAt) && !quarantined {
		return
	}
	span := l.Pause
	if !u.PausedAt.IsZero() && now.Sub(u.PausedUntil) < 24*time.Hour {
		// after a day without a refusal, start with the first pause again
		span = min(2*u.PausedUntil.Sub(u.PausedAt), l.MaxPause)
	}
	if quarantined {
		span = l.MaxPause
	}
	u.PausedAt, u.PausedUntil = now, now.Add(max(span, l.Pause))
}
