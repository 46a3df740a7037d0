package view

import (
	"maps"
	"slices"

	"snug/shared/guild"
	"snug/shared/schema"
	"snug/shared/setting"
)

// OtherChange is a setting that somebody else saved while this person filled in the form.
type OtherChange struct {
	schema.Setting
	Old, New string // as people read them
	Clash    bool   // this person changed it too; what they typed stays in the form
}

// Merge brings a form that was filled in from settings as they were up to
// settings as they are: what the person did not touch follows, what they
// changed stays. It tells what changed meanwhile.
func (a *Admin) Merge(was, is guild.Settings) {
	before, now := NewSettingsForm(was), NewSettingsForm(is)
	merged := SettingsForm{maps.Clone(a.Form.values)}
	for _, row := range formSettings() {
		b, n := before.values[row.Name], now.values[row.Name]
		if slices.Equal(b, n) {
			continue
		}
		typed, shown := a.Form.values[row.Name]
		clash := shown && !slices.Equal(typed, b) && !slices.Equal(typed, n)
		if shown && !clash {
			merged.values[row.Name] = n
		}
		say := func(s guild.Settings) string {
			return setting.Say(a.Text, row, s.Value(row.Name), named(a.Text, a.Places))
		}
		a.OtherChanges = append(a.OtherChanges, OtherChange{row, say(was), say(is), clash})
	}
	a.Form = merged
}
