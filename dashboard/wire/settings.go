package wire

import "snug/shared/guild"

// SettingsAt is a server's settings at a revision.
type SettingsAt struct {
	Settings guild.Settings `json:"settings"`
	Rev      uint64         `json:"rev" doc:"Send it back when you save: then nobody's change is lost."`
}
