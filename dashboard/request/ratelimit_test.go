package request

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiterForgets(t *testing.T) {
	now := time.Now()
	l := newLimiters(Limits{Login: Limit{Every: time.Second, Burst: 2}}, func() time.Time { return now }, nil).Login
	for _, k := range []string{"a", "b", "a"} {
		if l.take(k) != 0 {
			t.Error("held up")
		}
	}
	if l.take("a") != time.Second {
		t.Error("not held up")
	}
	now = now.Add(time.Second)
	l.sweep()
	if len(l.buckets) != 1 {
		t.Errorf("%d buckets are kept", len(l.buckets))
	}
	if addressGroup("2001:db8::1") != addressGroup("2001:db8::2") || addressGroup("::ffff:10.0.0.1") != "10.0.0.1" {
		t.Error("addresses are grouped wrongly")
	}
}

// TestLimiterIsBounded: strangers with very many addresses take so much memory and no more, and who is held back
// stays so.
func TestLimiterIsBounded(t *testing.T) {
	now := time.Now()
	l := newLimiters(Limits{Login: Limit{Every: time.Hour, Burst: 2}}, func() time.Time { return now }, nil).Login
	for range 3 {
		l.take("held back")
	}
	for i := range 2 * maxBuckets {
		l.take(fmt.Sprint(i))
	}
	if len(l.buckets) != maxBuckets {
		t.Errorf("%d buckets, want %d", len(l.buckets), maxBuckets)
	}
	if l.take("held back") == 0 {
		t.Error("who was held back is forgotten")
	}
}

// TestLimitsAreShared: a dashboard grants its part of a limit, and follows when there are more or fewer of them.
func TestLimitsAreShared(t *testing.T) {
	// passes gives how many requests of somebody pass at once.
	passes := func(l *Limiter) (n int) {
		for l.take("somebody") == 0 {
			n++
		}
		return n
	}
	type step struct {
		dashboards int
		later      time.Duration
		want       int // requests that pass now
	}
	for _, c := range []struct {
		name  string
		steps []step // with four at once, and one more a second
	}{
		{"alone", []step{{1, 0, 4}, {1, time.Second, 1}, {1, time.Minute, 4}}},
		{"not counted yet", []step{{0, 0, 4}}},
		{"one of two", []step{{2, 0, 2}, {2, time.Second, 0}, {2, time.Second, 1}}},
		{"one of three", []step{{3, 0, 1}, {3, 3 * time.Second, 1}}},
		{"more than the limit", []step{{9, 0, 1}, {9, 8 * time.Second, 0}, {9, time.Second, 1}}},
		{"another one starts", []step{{1, 0, 4}, {2, 0, 0}, {2, time.Second, 0}, {2, time.Second, 1}}},
		{"another one starts before", []step{{1, 0, 4}, {1, time.Minute, 4}, {4, time.Minute, 1}}},
		{"another one stops", []step{{2, 0, 2}, {1, 0, 0}, {1, 2 * time.Second, 2}}},
	} {
		now, dashboards := time.Now(), 0
		l := newLimiters(Limits{Login: Limit{time.Second, 4}}, func() time.Time { return now },
			func() int { return dashboards }).Login
		for i, s := range c.steps {
			now, dashboards = now.Add(s.later), s.dashboards
			if got := passes(l); got != s.want {
				t.Errorf("%s, step %d: %d requests passed, want %d", c.name, i, got, s.want)
			}
		}
	}
}

// TestForgottenBucketsAreFull: what fits this dashboard's part is forgotten, and nobody gains anything by that.
func TestForgottenBucketsAreFull(t *testing.T) {
	now, dashboards := time.Now(), 2
	l := newLimiters(Limits{Login: Limit{time.Second, 4}}, func() time.Time { return now },
		func() int { return dashboards }).Login
	l.take("a")
	now = now.Add(2 * time.Second) // full, as one of two
	dashboards = 1
	if l.sweep(); len(l.buckets) != 1 {
		t.Error("a bucket that isn't full as the only one is forgotten")
	}
	dashboards = 2
	if l.sweep(); len(l.buckets) != 0 {
		t.Error("a full bucket is kept")
	}
}
