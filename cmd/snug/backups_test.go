package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"snug/shared/backups"
)

// TestBackupsOnASchedule: the program takes them by itself. One that fails is counted, keeps nobody from using Snug,
// and is tried again.
func TestBackupsOnASchedule(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backups")
	h := newHarness(t, func(p *plan) {
		p.serve.BackupDir, p.serve.BackupEvery, p.serve.BackupKeep = dir, 24*time.Hour, 2
	})
	metric := func(name string) float64 {
		families, err := h.app.registry.Gather()
		h.must(err)
		for _, f := range families {
			if m := f.GetMetric(); f.GetName() == name && len(m) == 1 {
				return m[0].GetCounter().GetValue() + m[0].GetGauge().GetValue()
			}
		}
		h.Fatalf("there is no metric %s", name)
		return 0
	}
	h.eventually("the missing folder is counted", func() bool { return metric("snug_backup_failures_total") == 1 })
	h.ready()
	h.must(os.Mkdir(dir, 0o700))
	h.clock.Forward(time.Hour)
	h.eventually("the next one is good", func() bool { return metric("snug_backup_last_timestamp_seconds") > 0 })
	if newest, ok, err := backups.Look(dir); err != nil || !ok {
		t.Errorf("there is %v, %v", newest, err)
	}
	if got := metric("snug_backup_interval_seconds"); got != 86400 {
		t.Errorf("one every %v s", got)
	}
}
