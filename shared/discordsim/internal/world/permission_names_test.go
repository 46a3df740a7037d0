package world

import "testing"

func TestPermissionNames(t *testing.T) {
	for _, tc := range []struct {
		text string
		want Permissions
		ok   bool
	}{
		{"", 0, true},
		{"8", PermAdministrator, true},
		{"VIEW_CHANNEL", PermViewChannel, true},
		{"view_channel, Connect|SPEAK", PermViewChannel | PermConnect | PermSpeak, true},
		{"BYPASS_SLOWMODE SET_VOICE_CHANNEL_STATUS", PermBypassSlowmode | PermSetVoiceChannelStatus, true},
		{"18446744073709551615", AllPermissions, true},
		{"VIEW_CHANNELS", 0, false},
		{"-1", 0, false},
	} {
		t.Run(tc.text, func(t *testing.T) {
			if got, err := ParsePermissions(tc.text); got != tc.want || (err == nil) != tc.ok {
				t.Errorf("read as %d, %v", got, err)
			}
		})
	}
	names := AllPermissions.Names()
	var again Permissions
	for _, n := range names {
		p, err := ParsePermissions(n)
		if err != nil {
			t.Error(err)
		}
		again |= p
	}
	if again != AllPermissions {
		t.Errorf("the names stand for %b, not %b", again, AllPermissions)
	}
}
