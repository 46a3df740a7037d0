package wire

import "snug/shared/guild"

// SettingsAt is a server's settings at a revision.
type SettingsAt struct {
	Settings guild.Settings `json:"settings"`
	Rev      uint64         `json:"rev" doc:"Send it when you save, so that you overwrite nobody's change."`
}
