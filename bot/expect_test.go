package bot_test

import (
	"testing"

	"snug/bot/discordapi"
	"snug/shared/discordsim"
	"snug/shared/errs"
)

// TestServersThatAreComing: after a start a server that Discord has listed and not described yet is known,
// and not ready; one that the bot is not in is not.
func TestServersThatAreComing(t *testing.T) {
	t.Parallel()
	var coming, theirs discordsim.Guild
	h := newHarnessWith(t, func(h *harness) {
		var err error
		coming, err = h.Discord.AddGuild("Late", h.People["mara"])
		h.Must(err)
		theirs, err = h.Discord.AddGuild("Theirs", h.People["mara"])
		h.Must(err)
		h.Must(h.Discord.InstallBot(coming.ID, h.App.ID, discordsim.Permissions(discordapi.Permissions)))
		_, err = h.Discord.Inject(discordsim.Fault{Kind: discordsim.FaultOutage, Guild: coming.ID})
		h.Must(err)
	}, nil)
	h.eventually("the server that is coming", func() bool {
		g, _, err := h.running.hub.Guilds.Get(t.Context(), coming.ID.String())
		return err == nil && g.ID == coming.ID && !g.Ready
	})
	if g, _, err := h.running.hub.Guilds.Get(t.Context(), theirs.ID.String()); !errs.Has(err, errs.NotFound) {
		t.Errorf("a server of others: %+v, %v", g, err)
	}
	if _, _, err := h.running.hub.Guilds.Get(t.Context(), "0"); !errs.Has(err, errs.NotFound) {
		t.Errorf("something without a name is known: %v", err)
	}
	_, err := h.Discord.Inject(discordsim.Fault{Kind: "restore", Guild: coming.ID})
	h.Must(err)
	h.eventually("it has come", func() bool {
		g, _, err := h.running.hub.Guilds.Get(t.Context(), coming.ID.String())
		return err == nil && g.Ready && g.Name == "Late"
	})
}
