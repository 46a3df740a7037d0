package bot_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"snug/bot/shards/checkpoint"
	"snug/shared/discordsim"
	"snug/shared/discordsim/openapi/openapitest"
	"snug/shared/hub"
	"snug/shared/hub/hubtest"
	"snug/shared/keyring"
)

const (
	original = "PATCH /webhooks/{webhook}/{token}/messages/@original"
	callback = "POST /interactions/{interaction.id}/{interaction.token}/callback"
	// interrupted is how the answer begins that an interrupted command gets.
	interrupted = "Something interrupted me"
)

// thinking runs a command whose answer gets lost with the process: Discord has the first answer alone.
func (h *harness) thinking(f discordsim.Fault) <-chan *discordsim.Answer {
	h.Helper()
	_, err := h.Discord.Inject(f)
	h.Must(err)
	answers := make(chan *discordsim.Answer, 1)
	before := h.asked(original)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		a, err := h.Discord.RunCommand(ctx, h.People["jonas"], discordsim.CommandRun{Guild: h.Guild, Name: "rooms"})
		if err != nil {
			h.Error(err)
		}
		answers <- a
	}()
	h.eventually("the answer got lost", func() bool { return h.asked(original) > before })
	return answers
}

// settles waits for the answer to an interrupted command.
func (h *harness) settles(answers <-chan *discordsim.Answer) {
	h.Helper()
	a := <-answers
	if a == nil || a.Message == nil || !strings.HasPrefix(a.Message.Content, interrupted) {
		h.Errorf("an interrupted command has the answer %+v", a)
	}
}

// lost is a fault with which Discord takes no final answer, as if the process had died before sending it.
func lost(count int) discordsim.Fault {
	return discordsim.Fault{Kind: discordsim.FaultAnswer, Route: original, Status: http.StatusNotFound,
		Body: `{"message":"Unknown Webhook","code":10015}`, Count: count}
}

// TestAnInterruptedCommandEnds: a process dies between the two answers to a command. Discord repeats the interaction
// to the next process, which says so in place of "thinking". A command that has its answer keeps it.
func TestAnInterruptedCommandEnds(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{
		"repeated too late":        time.Minute,
		"repeated as if it is new": 0, // or the restart takes three seconds
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.shut()
			old := h.shards()
			h.start()
			answered := h.Command("kiyo", "rooms", nil)
			answers := h.thinking(lost(1))
			h.shut()
			h.turnBack(old)
			h.clock.Forward(late)
			h.start()
			h.settles(answers)
			h.shut()
			if n := h.asked(original); n != 3 {
				t.Errorf("%d answers to two commands, one of which was interrupted", n)
			}
			if strings.HasPrefix(answered.Message.Content, interrupted) {
				t.Error(answered.Message.Content)
			}
		})
	}
}

// TestANewSessionIsSaved: a process dies between the two answers to a command, having saved nothing but its session at
// READY. The next one goes on with that session, knows the server, and ends the command.
func TestANewSessionIsSaved(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*harness){
		"the first one": func(*harness) {},
		"one that began while Snug ran": func(h *harness) {
			h.shut()
			h.start()
			_, err := h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultInvalidSession})
			h.Must(err)
			h.eventually("a new session began", func() bool {
				return h.counted("snug_gateway_connects_total", "kind=identify") == 1
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarnessWith(t, func(h *harness) { h.saves = time.Hour }, openapitest.Wrap(t))
			begin(h)
			answers := h.thinking(lost(1))
			saved, err := h.hub.Shards.List(context.Background(), "")
			h.Must(err)
			h.shut()
			h.turnBack(saved)
			h.clock.Forward(time.Minute)
			h.start()
			h.settles(answers)
			if !h.resumed() {
				t.Error("the session was not resumed")
			}
			id := h.open("jonas", "Friday").Room.ID
			h.Must(h.Join("jonas", id))
			h.awaitRoster(id, "jonas")
		})
	}
}

// TestACheckpointHasInterruptedCommands: a command takes so long that a checkpoint is saved before the process dies.
// Discord doesn't repeat it then; the next process knows of it all the same.
func TestACheckpointHasInterruptedCommands(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	keys, err := keyring.New([]byte(strings.Repeat("k", 32)))
	h.Must(err)
	// Snug tries again until it's refused.
	answers := h.thinking(discordsim.Fault{Kind: discordsim.FaultError, Route: original, Count: -1})
	store, err := checkpoint.New(h.hub, keys)
	h.Must(err)
	var head checkpoint.Head
	h.eventually("a checkpoint has the command", func() bool {
		head, _, err = store.Load(context.Background(), 1, 0)
		return err == nil && len(head.Interactions) == 1
	})
	h.Must(store.Close(context.Background()))
	docs, err := h.hub.Shards.List(context.Background(), "")
	h.Must(err)
	i := head.Interactions[0]
	if i.Guild != h.Guild || i.Locale != "en-US" || i.Token == "" {
		t.Errorf("the checkpoint has an interaction of server %d in %q", i.Guild, i.Locale)
	}
	for _, d := range docs {
		if strings.Contains(string(d.Value.Data), i.Token) {
			t.Errorf("%s has the token as it is", d.Key)
		}
	}
	h.Discord.ClearFaults(0)
	_, err = h.Discord.Inject(lost(-1))
	h.Must(err)
	h.shut()
	h.Discord.ClearFaults(0)
	h.turnBack([]hub.Entry[hub.Sealed]{docs[0], docs[1], docs[2]})
	h.clock.Forward(time.Minute)
	h.start()
	h.settles(answers)
}

// TestAnAnswerWaitsForTheLease cuts Snug off from the hub between the two answers to a command. Nobody else is there to
// take the shard over, so the command has its own answer once the lease is certain again.
func TestAnAnswerWaitsForTheLease(t *testing.T) {
	t.Parallel()
	server := hubtest.Start(t)
	proxy := hubtest.StartProxy(t, strings.TrimPrefix(server.URL(), "nats://"))
	h := newHarnessWith(t, func(h *harness) { h.nats, h.term = proxy.URL(), 1500*time.Millisecond },
		openapitest.Wrap(t))
	// Snug tries again.
	answers := h.thinking(discordsim.Fault{Kind: discordsim.FaultError, Route: original, Count: -1})
	proxy.Freeze()
	h.eventually("the lease isn't certain", func() bool {
		return h.counted("snug_gateway_phase", "phase=waiting") == 1
	})
	h.Discord.ClearFaults(0)
	time.Sleep(2 * h.term) // it's tried meanwhile
	proxy.Thaw()
	if a := <-answers; a == nil || a.Message == nil || strings.HasPrefix(a.Message.Content, interrupted) {
		t.Errorf("the command's answer is %+v", a)
	}
}
