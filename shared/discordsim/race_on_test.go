//go:build race

package discordsim_test

const raceEnabled = true
