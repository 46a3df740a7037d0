package discordapi

import (
	"strings"
	"testing"

	"github.com/disgoorg/disgo/discord"
)

// Each permission that Snug asks for is missed by the name that Discord's settings give it, alone and with
// all the others.
func TestLacking(t *testing.T) {
	if got := MissingFrom(int64(Permissions)); got != "" {
		t.Errorf("with all: %q", got)
	}
	if got := MissingFrom(int64(discord.PermissionAdministrator)); got != "" {
		t.Errorf("for an administrator: %q", got)
	}
	all := MissingFrom(0)
	for rest := Permissions; rest != 0; rest &= rest - 1 {
		bit := rest & -rest
		name := MissingFrom(int64(Permissions &^ bit))
		if name == "" || strings.Contains(name, ",") || !strings.Contains(all, name) {
			t.Errorf("without %d: %q; without any: %q", bit, name, all)
		}
	}
	if got := MissingFrom(int64(Permissions &^ permissionVoiceStatus)); got != "Set Voice Channel Status" {
		t.Errorf("got %q", got)
	}
}
